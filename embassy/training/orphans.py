"""Stored files that no job knows of."""

from datetime import timedelta

from django.utils import timezone

from embassy.platform.storage import get_storage
from embassy.training.models import TrainingJob

ORPHAN_AGE = timedelta(days=1)


def purge_orphans() -> int:
    """Remove day-old objects without a job; returns how many.

    They are left when a request is killed between its files and its row, when a purge's wake-up is lost, or
    when a worker stored something just after its job was deleted.
    """
    storage = get_storage()
    folders = {key.split("/")[1]: key for key in storage.list("training/")}
    known = TrainingJob.objects.filter(public_id__in=folders).values_list("public_id", flat=True)
    limit = timezone.now() - ORPHAN_AGE
    return sum(
        storage.delete_prefix(f"training/{orphan}/")
        for orphan in folders.keys() - set(known)
        if storage.modified_at(folders[orphan]) < limit
    )
