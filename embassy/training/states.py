"""The life of a training job: see docs/lifecycles.md."""

from django.db import models

from embassy.evaluation.task_types import TaskType as TaskType
from embassy.platform.states import StateMachine


class JobStatus(models.TextChoices):
    PENDING = "Pending"  # waits for a worker, or for `next_retry_at`
    RUNNING = "Running"
    TESTING = "Testing"  # every checkpoint answers the test rows
    PAUSED = "Paused"  # by a user, who may resume it
    SUCCESS = "Success"
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"
    CANCELLED = "Cancelled"


def _moves(*targets: JobStatus) -> frozenset[str]:
    return frozenset(target.value for target in targets)


JOB = StateMachine(
    {
        JobStatus.PENDING: _moves(JobStatus.RUNNING, JobStatus.PAUSED, JobStatus.FAILED, JobStatus.CANCELLED),
        JobStatus.RUNNING: _moves(
            JobStatus.PENDING,
            JobStatus.TESTING,
            JobStatus.PAUSED,
            JobStatus.FAILED,
            JobStatus.TIMED_OUT,
            JobStatus.CANCELLED,
        ),
        JobStatus.TESTING: _moves(
            JobStatus.PENDING,
            JobStatus.PAUSED,
            JobStatus.SUCCESS,
            JobStatus.FAILED,
            JobStatus.TIMED_OUT,
            JobStatus.CANCELLED,
        ),
        JobStatus.PAUSED: _moves(JobStatus.PENDING, JobStatus.CANCELLED),
        JobStatus.SUCCESS: frozenset(),
        JobStatus.FAILED: frozenset(),
        JobStatus.TIMED_OUT: frozenset(),
        JobStatus.CANCELLED: frozenset(),
    }
)

ACTIVE = (JobStatus.RUNNING, JobStatus.TESTING)  # somebody holds the lease
UNFINISHED = (JobStatus.PENDING, JobStatus.PAUSED, *ACTIVE)


class MergeStatus(models.TextChoices):
    PENDING = "pending"  # waits for a worker, or for `next_retry_at`
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"  # who asks again starts it anew


MERGE = StateMachine(
    {
        MergeStatus.PENDING: frozenset({MergeStatus.RUNNING.value}),
        MergeStatus.RUNNING: frozenset(
            {MergeStatus.PENDING.value, MergeStatus.READY.value, MergeStatus.FAILED.value}
        ),
        MergeStatus.READY: frozenset(),
        MergeStatus.FAILED: frozenset({MergeStatus.PENDING.value}),
    }
)


class Technique(models.TextChoices):
    SFT = "SFT"
    DPO = "DPO"
    GRPO = "GRPO"


class BaseModelOption(models.TextChoices):
    PRE_TRAINED = "pre-trained"
    FINE_TUNED = "fine-tuned"
