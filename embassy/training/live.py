"""How a job is doing: the figures of its newest step."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from embassy.training.models import JobEvent, TrainingJob
from embassy.training.spec import EventType
from embassy.training.states import JobStatus


@dataclass(frozen=True, kw_only=True)
class Live:
    """Sizes in bytes. A figure is None where the kind of training, or the device, has none.

    `eta_seconds` is what is left of training; None when nothing is being trained just now.
    """

    at: datetime
    attempt: int | None
    step: int
    max_steps: int | None
    epoch: float | None
    loss: float | None
    eval_loss: float | None
    learning_rate: float | None
    grad_norm: float | None
    tokens_per_second: float | None
    eta_seconds: float | None
    rss_bytes: int | None
    gpu_bytes: int | None


def live_of(job: TrainingJob) -> Live | None:
    """None before the first step."""
    step = _newest(job, EventType.STEP)
    if step is None:
        return None
    evaluation = _newest(job, EventType.EVAL)
    is_current = job.status == JobStatus.RUNNING and step.attempt == job.attempts
    return Live(
        at=step.at,
        attempt=step.attempt,
        step=int(step.data["step"]),
        eval_loss=_number(evaluation, "loss"),
        eta_seconds=_number(step, "eta_seconds") if is_current else None,
        max_steps=_whole(step, "max_steps"),
        rss_bytes=_whole(step, "rss_bytes"),
        gpu_bytes=_whole(step, "gpu_bytes"),
        epoch=_number(step, "epoch"),
        loss=_number(step, "loss"),
        learning_rate=_number(step, "learning_rate"),
        grad_norm=_number(step, "grad_norm"),
        tokens_per_second=_number(step, "tokens_per_second"),
    )


def _newest(job: TrainingJob, kind: EventType) -> JobEvent | None:
    return job.events.filter(kind=kind).order_by("-id").first()


def _number(event: JobEvent | None, name: str) -> float | None:
    """What is not finite is a word in the account, for JSON has no number for it."""
    value: Any = event.data.get(name) if event else None
    return float(value) if isinstance(value, int | float) else None


def _whole(event: JobEvent, name: str) -> int | None:
    number = _number(event, name)
    return None if number is None else int(number)
