"""Writes on datasets."""

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from typing import Any, BinaryIO

import orjson
from django.conf import settings
from django.db import transaction

from embassy.datasets import intake, names
from embassy.datasets.models import Dataset, Upload
from embassy.datasets.uploads import services as uploads
from embassy.datasets.validation import Check
from embassy.platform.actor import Actor
from embassy.platform.enqueue import enqueue
from embassy.platform.errors import NotFound, TooLarge
from embassy.platform.storage import get_storage, orphans
from embassy.projects import audit
from embassy.projects.models import Project


def create_dataset(
    *,
    project: Project,
    file: BinaryIO,
    file_name: str,
    name: str | None = None,
    actor: Actor,
    max_bytes: int | None = None,
) -> Dataset:
    """Check the file, store it and its canonical rows, and make the row: all of it or nothing.

    `file` must be able to seek; it stays open. Raises TooLarge above `max_bytes`, and InvalidInput
    (`invalid_dataset`) with the list of problems as details.
    """
    size = file.seek(0, os.SEEK_END)
    if max_bytes is not None and size > max_bytes:
        raise TooLarge(too_large_sentence(max_bytes))
    file_name = names.clean_file_name(file_name)
    with ExitStack() as stack:
        rows = stack.enter_context(intake.scratch_file())
        dataset = intake.checked(Check(file, file_name), rows)
        dataset.project = project
        dataset.name = intake.checked_name(name, file_name)
        dataset.file_name, dataset.original_bytes = file_name, size
        dataset.created_by_id = actor.user_id
        undo = stack.enter_context(ExitStack())
        undo.callback(get_storage().delete_prefix, dataset.prefix)
        _store(dataset, file, rows)
        intake.save(dataset, actor)
        undo.pop_all()
    return dataset


def create_dataset_from_rows(
    *, project: Project, rows: Iterable[Mapping[str, Any]], name: str, actor: Actor
) -> Dataset:
    """A dataset of objects in any form that a JSON lines file may have. Raises as create_dataset does."""
    with intake.scratch_file() as file:
        file.writelines(orjson.dumps(dict(row)) + b"\n" for row in rows)
        return create_dataset(project=project, file=file, file_name=f"{name}.jsonl", name=name, actor=actor)


@transaction.atomic
def delete_dataset(*, dataset: Dataset, actor: Actor) -> None:
    """Jobs keep copies of the rows that they use, so this never waits for them.

    Raises NotFound if somebody else was faster.
    """
    deleted, _ = Dataset.objects.filter(pk=dataset.pk).delete()
    if not deleted:
        raise NotFound(f"There is no dataset {dataset.public_id}.")
    audit.record("dataset.deleted", dataset.public_id, actor=actor, name=dataset.name)
    enqueue("datasets.purge", dataset.prefix)


def purge_objects(*, prefix: str) -> None:
    """Remove what a deleted dataset had in storage. Repeatable."""
    get_storage().delete_prefix(prefix)


def remove_all(*, project: Project) -> None:
    """Remove every dataset of a deleted project, objects first: cut short, it is simply run again."""
    for upload in Upload.objects.filter(project=project).order_by("id"):
        uploads.remove(upload)
    for dataset in Dataset.objects.filter(project=project).order_by("id"):
        purge_objects(prefix=dataset.prefix)
        dataset.delete()


def purge_orphans() -> int:
    """Remove day-old objects without a dataset, made or coming; returns how many."""
    return orphans.purge_orphans(get_storage(), "datasets", _known)


def _known(ids: Collection[str]) -> Iterable[str]:
    yield from Dataset.objects.filter(public_id__in=ids).values_list("public_id", flat=True)
    coming = Upload.objects.filter(dataset_id_wanted__in=ids)
    yield from coming.values_list("dataset_id_wanted", flat=True)


def too_large_sentence(max_bytes: int) -> str:
    size = f"{max_bytes / 1024 / 1024:g} MB"
    console = f"{settings.PUBLIC_URL}/console/"
    return f"The file has more than {size}, the most that the API takes. Upload it in the console: {console}"


def _store(dataset: Dataset, file: BinaryIO, rows: BinaryIO) -> None:
    dataset.original_key = f"{dataset.prefix}original.{dataset.format}"
    dataset.rows_key = f"{dataset.prefix}rows.jsonl"
    file.seek(0)
    dataset.original_sha256 = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    for key, stream in ((dataset.original_key, file), (dataset.rows_key, rows)):
        stream.seek(0)
        get_storage().put(key, stream)
