"""The moves of a job. Every one but claiming applies only while the caller's lease token matches."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from embassy.platform import leases, notify
from embassy.platform.enqueue import enqueue
from embassy.training.models import JobEvent, TrainingJob
from embassy.training.states import ACTIVE, JOB, JobStatus

RETRY_FIRST_SECONDS = 5
RETRY_LONGEST_SECONDS = 300
WAITING = "Waiting for a training worker."
PAUSING = "It is paused as soon as its state is stored."
PAUSED = "Paused by a user. Resume it, and it goes on from where it was."


@transaction.atomic
def move(
    job: TrainingJob,
    target: JobStatus,
    *,
    reason: str = "",
    code: str = "",
    sources: Iterable[str] | None = None,
    token: int | None = None,
    changes: Mapping[str, Any] | None = None,
) -> bool:
    """False: the job is not in a state for this, or the token is an old one. Nothing is written then."""
    moved = JOB.transition(
        job,
        target,
        reason=reason,
        sources=sources,
        where={} if token is None else {"lease_token": token},
        changes={"reason": reason, "code": code, **(changes or {})},
    )
    if moved:
        record_event(job, "status", status=target, reason=reason, code=code)
    return moved


def record_event(job: TrainingJob, kind: str, **data: Any) -> None:
    """An event of ours in the job's history. The caller holds a lock on the job's row."""
    JobEvent.objects.create(job=job, kind=kind, at=timezone.now(), data=data)
    notify.nudge(notify.job_channel(job.public_id))


def publish(job: TrainingJob) -> None:
    """Wake a worker up for a pending job."""
    leases.mark_published(job)
    enqueue("training.run", job.pk)


def claim(job_pk: int) -> TrainingJob | None:
    """Take a pending job; None if it is not pending, not due yet, or somebody else was faster."""
    job = TrainingJob.objects.filter(pk=job_pk, status=JobStatus.PENDING).first()
    if job is None or (job.next_retry_at is not None and job.next_retry_at > timezone.now()):
        return None
    if job.pause_requested:  # it crashed before it could be paused
        pause_pending(job)
        return None
    changes = leases.claim_changes() | {
        "next_retry_at": None,
        "started_at": Coalesce("started_at", Now()),
    }
    return job if move(job, JobStatus.RUNNING, sources=[JobStatus.PENDING], changes=changes) else None


@transaction.atomic
def give_back(
    job: TrainingJob, *, token: int, reason: str, code: str = "", changes: Mapping[str, Any] | None = None
) -> bool:
    """Return a job unharmed: another worker may go on at once, and no failure is counted."""
    written = leases.release_changes() | {"next_retry_at": None, **(changes or {})}
    if not move(job, JobStatus.PENDING, reason=reason, code=code, token=token, changes=written):
        return False
    publish(job)
    return True


@transaction.atomic
def put_aside(job: TrainingJob, *, token: int) -> bool:
    """Give a job back that is to be paused; if its user thought better of it meanwhile, it goes on."""
    row = locked(job.pk, token=token)
    if row is not None and not row.pause_requested:
        return give_back(job, token=token, reason=WAITING)
    return move(job, JobStatus.PAUSED, reason=PAUSED, code="paused", token=token, changes=_aside())


def pause_pending(job: TrainingJob) -> bool:
    """Pause a job that nobody runs."""
    return move(
        job, JobStatus.PAUSED, reason=PAUSED, code="paused", sources=[JobStatus.PENDING], changes=_aside()
    )


@transaction.atomic
def request_pause(job: TrainingJob) -> bool:
    """Ask whoever runs the job to stop at the next chance. False: nobody runs it, or it was asked for."""
    if not _set_pause(job, True):
        return False
    record_event(job, "pause_requested", message=PAUSING)
    return True


@transaction.atomic
def withdraw_pause(job: TrainingJob) -> bool:
    """False: no pause is awaited."""
    if not _set_pause(job, False):
        return False
    record_event(job, "pause_withdrawn", message="The pause was withdrawn: it goes on.")
    return True


@transaction.atomic
def resume_paused(job: TrainingJob) -> bool:
    if not move(job, JobStatus.PENDING, reason=WAITING, sources=[JobStatus.PAUSED]):
        return False
    publish(job)
    return True


def _set_pause(job: TrainingJob, wanted: bool) -> bool:
    running = TrainingJob.objects.filter(pk=job.pk, status__in=ACTIVE, pause_requested=not wanted)
    if not running.update(pause_requested=wanted, updated_at=Now()):
        return False
    job.pause_requested = wanted
    return True


def _aside() -> dict[str, Any]:
    return leases.release_changes() | {"next_retry_at": None, "pause_requested": False}


def record_crash(job: TrainingJob, *, token: int, reason: str, code: str) -> bool:
    """Count a failed attempt: retry later, or give up after TRAINING_ATTEMPTS of them."""
    failures = job.failures + 1
    if failures >= settings.TRAINING_ATTEMPTS:
        return finish(
            job,
            JobStatus.FAILED,
            token=token,
            reason=f"Gave up after {failures} attempts. The last one: {reason}",
            code=code,
            changes={"failures": failures},
        )
    changes = leases.release_changes() | {
        "failures": failures,
        "next_retry_at": Now() + retry_delay(failures),
        "published_at": None,
    }
    return move(job, JobStatus.PENDING, reason=reason, code=code, token=token, changes=changes)


def retry_delay(failures: int) -> timedelta:
    """5, 10, 20 … seconds, at most five minutes."""
    return timedelta(seconds=min(RETRY_FIRST_SECONDS * 2 ** (failures - 1), RETRY_LONGEST_SECONDS))


def begin_testing(job: TrainingJob, *, token: int, reason: str = "", code: str = "") -> bool:
    changes = {"trained_at": Coalesce("trained_at", Now()), "progress": max(job.progress, 90)}
    return move(
        job,
        JobStatus.TESTING,
        reason=reason,
        code=code,
        sources=[JobStatus.RUNNING],
        token=token,
        changes=changes,
    )


def finish(
    job: TrainingJob,
    target: JobStatus,
    *,
    token: int | None,
    reason: str = "",
    code: str = "",
    sources: Iterable[str] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> bool:
    final = leases.release_changes() | {
        "finished_at": Now(),
        "next_retry_at": None,
        "pause_requested": False,
        **({"progress": 100} if target == JobStatus.SUCCESS else {}),
        **(changes or {}),
    }
    return move(job, target, reason=reason, code=code, sources=sources, token=token, changes=final)


def locked(job_pk: int, *, token: int) -> TrainingJob | None:
    """The job's row, locked until the transaction ends; None if the token is an old one."""
    rows = TrainingJob.objects.select_for_update(of=("self",))
    return rows.filter(pk=job_pk, lease_token=token, status__in=ACTIVE).first()
