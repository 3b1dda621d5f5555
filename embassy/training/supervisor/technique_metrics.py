"""What a technique has to say of a checkpoint beyond its answers to the test rows. Pure."""

from collections.abc import Mapping

from embassy.evaluation.metrics.rounding import rounded
from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.states import Technique

# The trainer measured these on the test rows, as an answer that is not given cannot be had from an engine.
_PREFERENCES = ("preference_accuracy", "preference_accuracy_before", "preference_margin")


def technique_values(
    job: TrainingJob, target: Checkpoint | None, scores: Mapping[str, float]
) -> dict[str, float]:
    """More values for the metrics of a test result; `target` None is the base model."""
    if job.technique == Technique.GRPO:
        return reward_value(job.reward or {}, scores)
    if job.technique != Technique.DPO:
        return {}
    return _of_the_base(job) if target is None else _of_a_checkpoint(target)


def reward_value(weights: Mapping[str, float], scores: Mapping[str, float]) -> dict[str, float]:
    """The mean reward of the answers: what the training raises."""
    return rounded({"reward": sum(weight * scores.get(name, 0.0) for name, weight in weights.items())})


def _of_a_checkpoint(checkpoint: Checkpoint) -> dict[str, float]:
    measured = _eval(checkpoint)
    return rounded({name: measured[name] for name in _PREFERENCES if name in measured})


def _of_the_base(job: TrainingJob) -> dict[str, float]:
    """What a job that began with the base model measured before its first step."""
    first = None if job.spec.get("starts_from") else job.checkpoints.first()
    before = _eval(first).get("preference_accuracy_before") if first else None
    return {} if before is None else rounded({"preference_accuracy": before})


def _eval(checkpoint: Checkpoint) -> dict[str, float]:
    """The trainer's measurements on the test rows."""
    found = checkpoint.metrics.items()
    return {name.removeprefix("eval_"): value for name, value in found if name.startswith("eval_")}
