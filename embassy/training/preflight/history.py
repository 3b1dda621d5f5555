"""How fast earlier jobs of the same kind trained in this installation."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from embassy.training.models import JobEvent, TrainingJob
from embassy.training.spec import EventType

MOST_JOBS = 5


@dataclass(frozen=True)
class Speed:
    tokens_per_second: float
    jobs: int


def earlier_speed(*, base_model: str, technique: str, task_type: str, device: str) -> Speed | None:
    """The median of the newest jobs with the same base model, kind and device; None if there are none."""
    jobs = TrainingJob.objects.filter(
        base_model=base_model, technique=technique, task_type=task_type, trained_at__isnull=False
    ).order_by("-trained_at")[: 2 * MOST_JOBS]
    speeds = [speed for job in jobs if (speed := _speed(job, device)) is not None][:MOST_JOBS]
    return Speed(median(speeds), len(speeds)) if speeds else None


def tokens_per_step(technique: str, task_type: str, parameters: Mapping[str, Any], mean: float) -> float:
    """Of one optimizer step, where rows are of so many tokens on average."""
    rows = parameters["per_device_train_batch_size"] * parameters["gradient_accumulation_steps"]
    texts = 2 if technique == "DPO" or task_type == "embedding" else 1
    answer = parameters["max_completion_length"] if technique == "GRPO" else 0
    each = texts * min(mean, parameters["max_length"]) + answer
    return float(rows * parameters.get("num_processes", 1) * each)


def _speed(job: TrainingJob, device: str) -> float | None:
    """Tokens a second between the first and the last step of the last attempt, evaluations included."""
    started = job.events.filter(kind=EventType.STARTED).order_by("-id").first()
    if started is None or started.data.get("device") != device:
        return None
    told = job.events.filter(kind=EventType.PREFLIGHT, attempt=started.attempt).first()
    steps = job.events.filter(kind=EventType.STEP, attempt=started.attempt)
    first, last = steps.order_by("id").first(), steps.order_by("-id").first()
    if told is None or first is None or last is None:
        return None
    seconds = (last.at - first.at).total_seconds()
    done = _step(last) - _step(first)
    tokens = tokens_per_step(job.technique, job.task_type, job.parameters, float(told.data["tokens"]["mean"]))
    return tokens * done / seconds if done > 0 and seconds > 0 and tokens > 0 else None


def _step(event: JobEvent) -> int:
    return int(event.data.get("step") or 0)
