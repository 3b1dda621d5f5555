"""A pause, wherever it hits the run, costs nothing: the next attempt ends with the same weights."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embassy.training.spec import PAUSE_SIGNAL, TrainingSpec
from tests.e2e.runner.runs import (
    Event,
    Outcome,
    Trainer,
    assert_same_weights,
    chat,
    colour_rows,
    kill_at,
    make_spec,
    resumed,
    wait_for,
)
from tests.e2e.runner.test_dpo import colour_preferences, dpo_spec
from tests.e2e.runner.test_embedding import colour_pairs, embedding_spec
from tests.e2e.runner.test_grpo import grpo_spec, reward
from tests.e2e.runner.test_heads import head_spec, labelled

pytestmark = pytest.mark.e2e

# 32 steps in an epoch: a signal between two of them hits the middle of one.
PARAMETERS = {
    "num_train_epochs": 2,
    "per_device_train_batch_size": 1,
    "gradient_accumulation_steps": 2,
    "lora_dropout": 0.1,
}
SMALL = {"num_train_epochs": 1, "per_device_train_batch_size": 1, "lora_dropout": 0.1}


def make(run_dir: Path, base: Path, **changes: Any) -> TrainingSpec:
    options: dict[str, Any] = {"eval_rows": colour_rows(4), "parameters": PARAMETERS}
    return make_spec(run_dir, base, colour_rows(64), **{**options, **changes})


@pytest.fixture(scope="module")
def undisturbed(trainer: Trainer, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return trainer.run(make(tmp_path_factory.mktemp("undisturbed"), base)).require()


def pause(trainer: Trainer, spec: TrainingSpec, when: Callable[[Event], bool]) -> Outcome:
    """Start a run and pause it as soon as `when` accepts an event."""
    with trainer.start(spec) as child:
        wait_for(spec, child, when)
        child.send_signal(PAUSE_SIGNAL)
        return Outcome(spec, child.wait(60.0)).require("paused")


def reached(step: int) -> Callable[[Event], bool]:
    return lambda event: event["event"] == "step" and event["step"] >= step


def states(spec: TrainingSpec) -> list[int]:
    return sorted(int(folder.name.partition("-")[2]) for folder in spec.checkpoints_dir.glob("checkpoint-*"))


def assert_same_course(undisturbed: Outcome, *parts: Outcome) -> None:
    """Together the parts made each step once, with the same loss, and ended with the same weights."""
    steps = [event for part in parts for event in part.of("step")]
    expected = undisturbed.of("step")
    assert [event["step"] for event in steps] == [event["step"] for event in expected]
    assert [event["loss"] for event in steps] == [event["loss"] for event in expected]
    numbers = [event["number"] for part in parts for event in part.of("checkpoint")]
    assert numbers == [event["number"] for event in undisturbed.of("checkpoint")]
    assert_same_weights(undisturbed, parts[-1])


def test_a_pause_within_an_epoch_costs_no_step(
    trainer: Trainer, base: Path, tmp_path: Path, undisturbed: Outcome
) -> None:
    spec = make(tmp_path, base)
    first = pause(trainer, spec, reached(5))
    (state,) = states(spec)

    second = trainer.run(resumed(spec)).require()

    assert 5 <= state < 32
    assert first.code == 0
    assert not first.of("checkpoint")
    assert first.of("step")[-1]["step"] == state
    assert second.of("started")[0]["resumed_from"] == str(spec.checkpoints_dir / f"checkpoint-{state}")
    assert_same_course(undisturbed, first, second)
    assert all(0 < event["eta_seconds"] < 600 for event in second.of("step")[:-1])


def dpo(run_dir: Path, base: Path) -> TrainingSpec:
    return dpo_spec(run_dir, base, colour_preferences(24), parameters=SMALL)


def classification(run_dir: Path, base: Path) -> TrainingSpec:
    return head_spec(run_dir, base, labelled(24), parameters=SMALL)


def embedding(run_dir: Path, _base: Path) -> TrainingSpec:
    return embedding_spec(run_dir, colour_pairs(24), parameters=SMALL)


def grpo(run_dir: Path, base: Path) -> TrainingSpec:
    parameters = {**SMALL, "num_generations": 4, "per_device_train_batch_size": 4}
    return grpo_spec(run_dir, base, reward("short"), parameters=parameters)


@pytest.mark.parametrize("kind", [dpo, classification, embedding, grpo])
def test_every_kind_goes_on_within_an_epoch(
    trainer: Trainer, base: Path, tmp_path: Path, kind: Callable[[Path, Path], TrainingSpec]
) -> None:
    undisturbed = trainer.run(kind(tmp_path / "a", base)).require()
    spec = kind(tmp_path / "b", base)
    first = pause(trainer, spec, reached(2))

    assert not first.of("checkpoint")
    assert_same_course(undisturbed, first, trainer.run(resumed(spec)).require())


def test_a_pause_in_a_later_epoch(trainer: Trainer, base: Path, tmp_path: Path, undisturbed: Outcome) -> None:
    spec = make(tmp_path, base)
    first = pause(trainer, spec, reached(36))

    assert 36 <= states(spec)[-1] < 64
    assert_same_course(undisturbed, first, trainer.run(resumed(spec)).require())


def test_paused_twice(trainer: Trainer, base: Path, tmp_path: Path, undisturbed: Outcome) -> None:
    spec = make(tmp_path, base)
    first = pause(trainer, spec, reached(3))
    second = pause(trainer, resumed(spec), reached(12))

    third = trainer.run(replace(resumed(spec), attempt=3)).require()

    assert_same_course(undisturbed, first, second, third)


def test_a_pause_during_an_evaluation(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    """The epoch is whole, but not measured: the next attempt measures and exports it."""
    options = {"eval_rows": colour_rows(400), "parameters": {**PARAMETERS, "per_device_eval_batch_size": 1}}
    undisturbed = trainer.run(make(tmp_path / "a", base, **options)).require()
    spec = make(tmp_path / "b", base, **options)
    first = pause(trainer, spec, reached(32))

    assert not first.of("eval")
    assert states(spec) == [32]
    second = trainer.run(resumed(spec)).require()
    assert_same_course(undisturbed, first, second)
    assert [event["loss"] for event in second.of("eval")] == [
        event["loss"] for event in undisturbed.of("eval")
    ]
    evidence = json.loads((second.export(1) / "evidence.json").read_text())
    assert evidence["metrics"]["eval_loss"] == undisturbed.of("eval")[0]["loss"]


def test_a_pause_before_the_first_step_ends_at_once(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    rows = [chat("word " * 50, "yes " * 20)] * 20000
    spec = make_spec(tmp_path, base, rows, parameters={"max_length": 512})

    outcome = pause(trainer, spec, lambda event: event["event"] == "started")

    assert not outcome.of("preflight")
    assert states(spec) == []


def test_a_killed_run_goes_on_from_a_state_saved_on_the_way(
    trainer: Trainer, base: Path, tmp_path: Path, undisturbed: Outcome
) -> None:
    spec = make(tmp_path, base, state_seconds=0.01)
    kill_at(trainer, spec, 9)
    outcome = trainer.run(resumed(spec)).require()

    resumed_from = Path(outcome.of("started")[0]["resumed_from"])
    assert 1 <= int(resumed_from.name.partition("-")[2]) < 32
    assert_same_weights(undisturbed, outcome)
    assert len(list(spec.exports_dir.iterdir())) == 2
