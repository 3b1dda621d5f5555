"""Pausing a job and going on with it."""

from django.db import transaction

from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict
from embassy.projects import audit
from embassy.training import lifecycle
from embassy.training.models import TrainingJob
from embassy.training.states import ACTIVE, JobStatus


@transaction.atomic
def pause_training_job(*, job: TrainingJob, actor: Actor) -> None:
    """Put a job aside until it is resumed: a waiting one at once, a running one once its state is stored.

    Raises Conflict if it is paused (`already_paused`) or has ended (`already_finished`).
    """
    if not lifecycle.pause_pending(job) and not lifecycle.request_pause(job):
        raise _refusal(job)
    audit.record("training_job.paused", job.public_id, actor=actor, name=job.name)


@transaction.atomic
def resume_training_job(*, job: TrainingJob, actor: Actor) -> None:
    """Queue a paused job again; it goes on from where it was. A pause that is still awaited is withdrawn.

    Raises Conflict if it is not paused (`not_paused`) or has ended (`already_finished`).
    """
    if not lifecycle.resume_paused(job) and not lifecycle.withdraw_pause(job):
        job.refresh_from_db()
        if job.status in ACTIVE or job.status == JobStatus.PENDING:
            raise Conflict(f"Training job {job.name} is not paused: it is {job.status}.", code="not_paused")
        raise _ended(job)
    audit.record("training_job.resumed", job.public_id, actor=actor, name=job.name)


def _refusal(job: TrainingJob) -> Conflict:
    job.refresh_from_db()
    if job.status == JobStatus.PAUSED:
        return Conflict(f"Training job {job.name} is paused already.", code="already_paused")
    if job.pause_requested:
        return Conflict(
            f"Training job {job.name} is being paused: it stores its state first.", code="already_paused"
        )
    return _ended(job)


def _ended(job: TrainingJob) -> Conflict:
    return Conflict(
        f"Training job {job.name} has ended already: it is {job.status}.", code="already_finished"
    )
