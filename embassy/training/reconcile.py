"""Mend what no worker will: jobs whose worker died, and jobs whose wake-up was lost."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from embassy.platform import leases
from embassy.training import lifecycle
from embassy.training.models import TrainingJob
from embassy.training.states import ACTIVE, JobStatus

WORKER_LOST = "The worker that ran it is gone; another will go on from the newest checkpoint."
LONGEST_SILENCE = timedelta(minutes=5)


def reconcile() -> None:
    """Return orphaned jobs to the queue and wake workers for those that are due."""
    for job in orphaned():
        lifecycle.record_crash(job, token=job.lease_token, reason=WORKER_LOST, code="worker_lost")
    for job in due():
        lifecycle.publish(job)


def orphaned() -> list[TrainingJob]:
    """Running jobs whose lease has run out, or whose owner on this host no longer exists."""
    running = TrainingJob.objects.filter(status__in=ACTIVE)
    found = {job.pk: job for job in leases.expired(running)}
    found |= {job.pk: job for job in leases.owned_by_dead_process(running)}
    return list(found.values())


def due() -> list[TrainingJob]:
    """Pending jobs that no worker may know of."""
    pending = TrainingJob.objects.filter(status=JobStatus.PENDING)
    ready = pending.filter(Q(next_retry_at=None) | Q(next_retry_at__lte=Now()))
    now = timezone.now()
    return [job for job in leases.unpublished(ready.order_by("id")) if is_due(job, now=now)]


def is_due(job: TrainingJob, *, now: datetime) -> bool:
    """A job that waits long behind others is published ever more rarely: its messages pile up otherwise."""
    if job.published_at is None:
        return True
    first = timedelta(seconds=settings.REPUBLISH_SECONDS)
    silence = max(first, min((now - job.updated_at) / 4, LONGEST_SILENCE))
    return now - job.published_at >= silence
