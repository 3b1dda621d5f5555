"""Stored objects that no row knows of."""

from collections.abc import Callable, Collection, Iterable
from datetime import timedelta

from django.utils import timezone

from embassy.platform.storage.interface import Storage

ORPHAN_AGE = timedelta(days=1)


def purge_orphans(storage: Storage, folder: str, known: Callable[[Collection[str]], Iterable[str]]) -> int:
    """Remove day-old objects under `folder/ID/` without a row; returns how many.

    `known` gives those of some ids that have one. Orphans are left when a request is killed between its
    objects and its row, when a purge's wake-up is lost, or by a worker that stored something too late.
    """
    keys = {key.split("/")[1]: key for key in storage.list(f"{folder}/")}
    limit = timezone.now() - ORPHAN_AGE
    return sum(
        storage.delete_prefix(f"{folder}/{orphan}/")
        for orphan in keys.keys() - set(known(keys.keys()))
        if storage.modified_at(keys[orphan]) < limit
    )
