"""One more try, with smaller batches, for training that ran out of memory."""

from dataclasses import asdict
from typing import Any

from django.db import transaction

from embassy.training import lifecycle, spec
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus
from embassy.training.supervisor.memory import Batch, advice, with_smaller_batch

CODE = spec.EndCode.OUT_OF_MEMORY.value
REDUCED = "batch_reduced"


def retry_or_fail(job: TrainingJob, *, token: int) -> None:
    """Once, go on with half the batch and twice the accumulation: each step stays what it was."""
    parameters = parameters_of(job)
    smaller = None if job.spec.get(REDUCED) else with_smaller_batch(parameters)
    if smaller is None:
        reason = f"{_failed(job, Batch.of(parameters))} {advice(parameters)}"
        lifecycle.finish(job, JobStatus.FAILED, token=token, reason=reason, code=CODE)
    else:
        _retry(job, token, parameters, smaller)


def parameters_of(job: TrainingJob) -> dict[str, Any]:
    """All that are in effect, defaults included."""
    technique, task = spec.Technique(job.spec["technique"]), spec.Task(job.spec["task"])
    return asdict(spec.parse_parameters(technique, task, job.spec["parameters"]))


@transaction.atomic
def _retry(job: TrainingJob, token: int, before: dict[str, Any], after: dict[str, Any]) -> None:
    changed = {name: after[name] for name in after if after[name] != before[name]}
    reduced = {name: {"from": before[name], "to": value} for name, value in changed.items()}
    frozen = {**job.spec, "parameters": {**job.spec["parameters"], **changed}, REDUCED: reduced}
    reason = _sentence(Batch.of(before), Batch.of(after))
    if lifecycle.give_back(job, token=token, reason=reason, code=CODE, changes={"spec": frozen}):
        lifecycle.record_event(job, "warning", code=REDUCED, message=reason, **changed)


def _sentence(before: Batch, after: Batch) -> str:
    return (
        f"Training ran out of memory with {before.rows} rows at a time. It goes on with {after.rows},"
        f" {after.times} times before each step, so that the steps stay the same."
    )


def _failed(job: TrainingJob, batch: Batch) -> str:
    rows = "a single row" if batch.rows == 1 else f"{batch.rows} rows"
    again = " again" if job.spec.get(REDUCED) else ""
    return f"Training ran out of memory{again}, with {rows} at a time."
