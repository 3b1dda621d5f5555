"""Training jobs, their events and checkpoints → OpenAI's bodies. Times are UNIX seconds."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from embassy.llama_stack.fine_tuning import names
from embassy.llama_stack.models import FineTuningJob
from embassy.training.live import live_of
from embassy.training.models import Checkpoint, JobEvent, TrainingJob
from embassy.training.spec import EventType
from embassy.training.states import UNFINISHED, JobStatus

Json = dict[str, Any]

STATUSES = {
    JobStatus.PENDING: "queued",
    JobStatus.RUNNING: "running",
    JobStatus.TESTING: "running",
    JobStatus.PAUSED: "paused",
    JobStatus.SUCCESS: "succeeded",
    JobStatus.FAILED: "failed",
    JobStatus.TIMED_OUT: "failed",
    JobStatus.CANCELLED: "cancelled",
}
FAILED = (JobStatus.FAILED, JobStatus.TIMED_OUT)
MOMENTS = ("step", "loss", "eval_loss", "learning_rate", "epoch", "grad_norm", "reward")
SENTENCES = ("message", "reason", "error")


def job_body(row: FineTuningJob) -> Json:
    job = row.training_job
    kind = row.method["type"]
    return {
        "id": row.public_id,
        "object": "fine_tuning.job",
        "created_at": seconds(row.created_at),
        "finished_at": seconds(job.finished_at),
        "status": STATUSES[JobStatus(job.status)],
        "model": row.model,
        "fine_tuned_model": row.fine_tuned_model if job.status == JobStatus.SUCCESS else None,
        "organization_id": row.organization.public_id,
        "training_file": row.training_file,
        "validation_file": row.validation_file or None,
        "result_files": [],
        "trained_tokens": _tokens(job) if job.status not in UNFINISHED else None,
        "estimated_finish": _estimate(job),
        "hyperparameters": row.method[kind]["hyperparameters"],
        "method": row.method,
        "seed": row.seed,
        "error": {"code": job.code, "message": job.reason, "param": None} if job.status in FAILED else None,
        "integrations": [],
        "metadata": row.metadata,
    }


def event_body(event: JobEvent) -> Json:
    level = "warn" if event.kind == EventType.WARNING else "info"
    is_metrics = event.kind in (EventType.STEP, EventType.EVAL)
    data = {name: event.data[name] for name in MOMENTS if event.data.get(name) is not None}
    return {
        "id": event_id(event.pk),
        "object": "fine_tuning.job.event",
        "created_at": seconds(event.at),
        "level": level,
        "message": _message(event, data),
        "type": "metrics" if is_metrics else "message",
        "data": data if is_metrics else {},
    }


def event_id(pk: int) -> str:
    return f"ftevent-{pk}"


def checkpoint_body(row: FineTuningJob, checkpoint: Checkpoint) -> Json:
    return {
        "id": f"ftckpt_{checkpoint.public_id.removeprefix('ck-')}",
        "object": "fine_tuning.job.checkpoint",
        "created_at": seconds(checkpoint.created_at),
        "fine_tuned_model_checkpoint": names.checkpoint_name(row.fine_tuned_model, checkpoint.step),
        "fine_tuning_job_id": row.public_id,
        "step_number": checkpoint.step,
        "metrics": {"step": checkpoint.step, **_metrics(checkpoint)},
    }


def seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _message(event: JobEvent, data: Json) -> str:
    for name in SENTENCES:
        if event.data.get(name):
            return str(event.data[name])
    if event.kind == EventType.STEP:
        total = event.data.get("max_steps") or "?"
        return f"Step {data.get('step')}/{total}: training loss={data.get('loss')}"
    return {
        EventType.STARTED: "The training has started.",
        EventType.CHECKPOINT: "A checkpoint was made.",
        EventType.PREFLIGHT: "The resources that the job needs have been estimated.",
        EventType.EVAL: "The model was evaluated.",
    }.get(EventType(event.kind) if event.kind in set(EventType) else EventType.END, event.kind)


def _metrics(checkpoint: Checkpoint) -> Json:
    known = {"loss": "train_loss", "eval_loss": "valid_loss"}
    return {theirs: checkpoint.metrics[ours] for ours, theirs in known.items() if ours in checkpoint.metrics}


def _tokens(job: TrainingJob) -> int | None:
    """Of all steps, as the newest of them counted."""
    step = job.events.filter(kind=EventType.STEP).order_by("-id").first()
    counted = None if step is None else step.data.get("num_tokens")
    return None if counted is None else int(counted)


def _estimate(job: TrainingJob) -> int | None:
    live = live_of(job) if job.status == JobStatus.RUNNING else None
    if live is None or live.eta_seconds is None:
        return None
    return int(timezone.now().timestamp() + live.eta_seconds)
