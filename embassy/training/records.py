"""What a run writes down. Everything applies only while its lease token matches; else Fenced is raised."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from embassy.platform import notify
from embassy.training import lifecycle
from embassy.training.best import mark_best
from embassy.training.models import Checkpoint, JobEvent, LossPoint, TestResult, TrainingJob
from embassy.training.spec import EventType
from embassy.training.usage import add_training_seconds

TRAINING_PERCENT = 90


class Fenced(Exception):
    """The job is somebody else's now, or cancelled, or gone: stop at once and write nothing."""


@dataclass(frozen=True)
class Line:
    """One line of the runner's account."""

    seq: int
    kind: str
    at: datetime
    data: dict[str, Any]

    @classmethod
    def parse(cls, document: dict[str, Any]) -> "Line":
        rest = {name: value for name, value in document.items() if name not in ("seq", "time", "event")}
        at = datetime.fromtimestamp(float(document["time"]), UTC)
        return cls(int(document["seq"]), str(document["event"]), at, rest)


@transaction.atomic
def record_lines(
    job: TrainingJob, lines: Sequence[Line], *, token: int, attempt: int, offset: int, seconds_used: float
) -> None:
    """Store a batch and how far the account is read now, together; a line stored before changes nothing."""
    row = _locked(job, token)
    JobEvent.objects.bulk_create(
        [
            JobEvent(job=row, attempt=attempt, seq=line.seq, kind=line.kind, at=line.at, data=line.data)
            for line in lines
        ],
        ignore_conflicts=True,
    )
    _record_losses(row, lines)
    add_training_seconds(job=row, attempt=attempt, seconds=seconds_used - row.seconds_used)
    row.events_attempt, row.events_offset, row.seconds_used = attempt, offset, seconds_used
    row.progress = max(row.progress, _progress(lines))
    row.save(update_fields=["events_attempt", "events_offset", "seconds_used", "progress", "updated_at"])
    job.progress = row.progress
    notify.nudge(notify.job_channel(job.public_id))


@transaction.atomic
def record_checkpoint(job: TrainingJob, checkpoint: Checkpoint, *, token: int) -> None:
    """Store the row of an archive that is stored already."""
    row = _locked(job, token)
    Checkpoint.objects.bulk_create([checkpoint], ignore_conflicts=True)
    lifecycle.record_event(row, "stored", checkpoint=checkpoint.number, size_bytes=checkpoint.size_bytes)


@transaction.atomic
def record_parity(job: TrainingJob, checkpoint: Checkpoint, parity: dict[str, Any], *, token: int) -> None:
    """Store a checkpoint's record, once: the first one stands."""
    row = _locked(job, token)
    unchecked = Checkpoint.objects.filter(pk=checkpoint.pk, parity__isnull=True)
    if unchecked.update(parity=parity, updated_at=Now()):
        lifecycle.record_event(
            row, "parity", checkpoint=checkpoint.number, status=parity["status"], reason=parity["reason"]
        )
    checkpoint.parity = parity


@transaction.atomic
def record_result(job: TrainingJob, result: TestResult, *, token: int) -> None:
    row = _locked(job, token)
    TestResult.objects.bulk_create([result], ignore_conflicts=True)
    mark_best(row)
    lifecycle.record_event(row, "tested", checkpoint=result.number, scores=result.scores)


@transaction.atomic
def record_event(job: TrainingJob, kind: str, *, token: int, **data: Any) -> None:
    """One of our own events in the job's history."""
    lifecycle.record_event(_locked(job, token), kind, **data)


@transaction.atomic
def record_progress(job: TrainingJob, percent: int, *, token: int) -> None:
    row = _locked(job, token)
    row.progress = max(row.progress, min(percent, 100))
    row.save(update_fields=["progress", "updated_at"])
    notify.nudge(notify.job_channel(job.public_id))


def _locked(job: TrainingJob, token: int) -> TrainingJob:
    row = lifecycle.locked(job.pk, token=token)
    if row is None:
        raise Fenced(job.public_id)
    return row


def _record_losses(job: TrainingJob, lines: Sequence[Line]) -> None:
    # One point for each step: an upsert must not meet the same row twice.
    points = {
        line.data["step"]: LossPoint(
            job=job,
            step=line.data["step"],
            at=line.at,
            loss=line.data["loss"],
            epoch=line.data.get("epoch"),
            learning_rate=line.data.get("learning_rate"),
        )
        for line in lines
        if line.kind == EventType.STEP and _is_number(line.data.get("loss"))
    }
    LossPoint.objects.bulk_create(
        points.values(),
        update_conflicts=True,
        unique_fields=["job", "step"],
        update_fields=["at", "loss", "epoch", "learning_rate"],
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and isfinite(value)


def _progress(lines: Sequence[Line]) -> int:
    shares = [line.data.get("progress") or 0 for line in lines if line.kind == EventType.STEP]
    return int(TRAINING_PERCENT * min(1.0, max(shares, default=0)))
