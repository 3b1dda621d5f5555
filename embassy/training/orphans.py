"""Stored files that no job knows of."""

from collections.abc import Collection, Iterable

from embassy.platform.storage import get_storage, orphans
from embassy.training.models import TrainingJob


def purge_orphans() -> int:
    """Remove day-old objects without a job; returns how many."""
    return orphans.purge_orphans(get_storage(), "training", _known)


def _known(ids: Collection[str]) -> Iterable[str]:
    return TrainingJob.objects.filter(public_id__in=ids).values_list("public_id", flat=True)
