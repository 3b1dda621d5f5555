"""How far a job is → the stages that every job goes through."""

from dataclasses import dataclass

from embassy.training.models import JobEvent, TrainingJob
from embassy.training.states import ACTIVE, UNFINISHED, JobStatus

STAGES = ("Waiting", "Preparing", "Training", "Testing")
UNTESTED = (*STAGES[:-1], "Checking")  # without test rows the engine is asked for parity alone


@dataclass(frozen=True)
class Stage:
    """`state` is done, now, failed or next."""

    name: str
    state: str


def stages_of(job: TrainingJob, step: JobEvent | None) -> list[Stage]:
    """`step` is the newest of the job's steps, of whichever attempt."""
    names = STAGES if job.test_rows else UNTESTED
    now = _place(job, step)
    if job.status == JobStatus.SUCCESS:
        return [Stage(name, "done") for name in names]
    here = "now" if job.status in UNFINISHED else "failed"
    return [
        Stage(name, "done" if place < now else here if place == now else "next")
        for place, name in enumerate(names)
    ]


def _place(job: TrainingJob, step: JobEvent | None) -> int:
    if job.trained_at is not None:
        return 3
    never_began = job.started_at is None and job.status not in ACTIVE
    if job.status in (JobStatus.PENDING, JobStatus.PAUSED) or never_began:
        return 0
    began = step is not None and step.attempt in (None, job.attempts)
    return 2 if began else 1
