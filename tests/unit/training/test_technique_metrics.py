"""What the results of a technique show beside the scores."""

from typing import Any

import pytest

from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.states import Technique
from embassy.training.supervisor.technique_metrics import technique_values


def job(technique: str, **values: Any) -> TrainingJob:
    return TrainingJob(technique=technique, **values)


def test_reward_is_the_weighted_mean() -> None:
    graded = job(Technique.GRPO, reward={"exact": 0.75, "short": 0.25})

    assert technique_values(graded, None, {"exact": 0.4, "short": 1.0, "other": 0.3}) == {"reward": 0.55}


def test_preferences_are_those_that_the_trainer_measured() -> None:
    measured = {
        "loss": 0.5,
        "eval_loss": 0.4,
        "eval_preference_accuracy": 0.91239,
        "eval_preference_accuracy_before": 0.25,
    }

    assert technique_values(job(Technique.DPO), Checkpoint(metrics=measured), {}) == {
        "preference_accuracy": 0.9124,
        "preference_accuracy_before": 0.25,
    }


@pytest.mark.parametrize("technique", [Technique.SFT, Technique.DPO])
def test_nothing_is_added_where_nothing_was_measured(technique: str) -> None:
    assert technique_values(job(technique), Checkpoint(metrics={"loss": 0.5}), {"exact": 1.0}) == {}
