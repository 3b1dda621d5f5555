"""Preference training: what it learns, and what it holds against."""

from pathlib import Path
from typing import Any

import pytest

from embassy.training.spec import Technique, TrainingSpec
from tests.e2e.runner.runs import COLOURS, Outcome, Trainer, make_spec

pytestmark = pytest.mark.e2e


def preference(prompt: str, chosen: str, rejected: str) -> dict[str, Any]:
    return {
        "messages": [{"role": "user", "content": prompt}],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }


def colour_preferences(count: int) -> list[dict[str, Any]]:
    return [
        preference(f"My {COLOURS[i % 4]} parcel {i} is late.", COLOURS[i % 4], f"The {COLOURS[i % 4]} one")
        for i in range(count)
    ]


def dpo_spec(run_dir: Path, base: Path, rows: list[dict[str, Any]], **changes: Any) -> TrainingSpec:
    parameters = {"learning_rate": 1e-2, **changes.pop("parameters", {})}
    return make_spec(run_dir, base, rows, technique=Technique.DPO, parameters=parameters, **changes)


@pytest.fixture(scope="module")
def outcome(trainer: Trainer, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    run_dir = tmp_path_factory.mktemp("dpo")
    spec = dpo_spec(run_dir, base, colour_preferences(32), eval_rows=colour_preferences(8))
    return trainer.run(spec).require()


def test_it_learns_to_prefer(outcome: Outcome) -> None:
    steps = outcome.of("step")

    assert steps[0]["loss"] == pytest.approx(0.6931, abs=0.01)  # ln 2: no preference yet
    assert steps[-1]["loss"] < 0.6
    assert steps[-1]["metrics"]["rewards/accuracies"] == 1.0
    assert outcome.of("eval")[-1]["loss"] < 0.6


def test_it_measures_what_the_model_would_rather_say(outcome: Outcome) -> None:
    first, last = (event["metrics"] for event in outcome.of("eval"))

    # Of the two answers the model began with likes the shorter, as random models do.
    assert first["preference_accuracy_before"] == last["preference_accuracy_before"] == 1.0
    assert last["preference_accuracy"] == 1.0
    assert last["preference_margin"] > first["preference_margin"] > 0
    assert outcome.of("checkpoint")[-1]["metrics"]["eval_preference_accuracy"] == 1.0


def test_the_export_is_one_plain_adapter(outcome: Outcome) -> None:
    names = {path.name for path in outcome.export(2).iterdir()}

    assert {"adapter_config.json", "adapter_model.safetensors", "prompt_format.json"} <= names
    assert not list(outcome.spec.checkpoints_dir.glob("*/ref"))


def test_going_on_holds_to_the_adapter_it_began_with(
    outcome: Outcome, trainer: Trainer, base: Path, tmp_path: Path
) -> None:
    spec = dpo_spec(tmp_path, base, colour_preferences(16), adapter=str(outcome.export(2)))
    steps = trainer.run(spec).require().of("step")

    assert steps[0]["loss"] == pytest.approx(0.6931, abs=0.01)


@pytest.mark.parametrize(
    "parameters", [{"full_fine_tuning": True}, {"load_in_4bit": True}, {"loss_type": "ipo"}]
)
def test_variants(trainer: Trainer, base: Path, tmp_path: Path, parameters: dict[str, Any]) -> None:
    spec = dpo_spec(tmp_path, base, colour_preferences(16), parameters={"learning_rate": 3e-3, **parameters})
    steps = trainer.run(spec).require().of("step")

    assert steps[-1]["loss"] < steps[0]["loss"]


def test_rows_without_a_preference_are_counted(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    rows = [
        *colour_preferences(8),
        preference("Why?", "rain", "rain"),
        preference("Why?", "", " "),
        preference("word " * 90, "rain", "snow"),
    ]
    (preflight,) = trainer.run(dpo_spec(tmp_path, base, rows)).require().of("preflight")

    assert [row["problem"] for row in preflight["untrainable"]] == [
        "equal_answers",
        "empty_completion",
        "cut_off",
    ]
