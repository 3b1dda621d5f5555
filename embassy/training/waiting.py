"""What a job that waits is waiting for. Reads only."""

from django.db.models import Q
from django.db.models.functions import Now

from embassy.training.models import TrainingJob
from embassy.training.states import ACTIVE, JobStatus


def place_in_queue(job: TrainingJob) -> int | None:
    """From 1, among all that could begin now; None for a job that does not wait for a worker."""
    due = TrainingJob.objects.filter(
        Q(next_retry_at=None) | Q(next_retry_at__lte=Now()), status=JobStatus.PENDING
    )
    if not due.filter(pk=job.pk).exists():
        return None
    return 1 + due.filter(pk__lt=job.pk).count()


def being_trained() -> int:
    """How many jobs have a worker just now, whoever they belong to."""
    return TrainingJob.objects.filter(status__in=ACTIVE).count()
