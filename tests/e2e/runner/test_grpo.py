"""Training by reward, with the rewards' own programs."""

import sys
from pathlib import Path
from typing import Any

import pytest

from embassy.training.spec import Reward, Technique, TrainingSpec
from tests.e2e.runner.runs import (
    Outcome,
    Trainer,
    assert_same_weights,
    colour_rows,
    kill_at,
    make_spec,
    resumed,
    wait_for,
)

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[3]


def reward(kind: str, weight: float = 1.0) -> Reward:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.fakes.reward import main; main({kind!r})"
    )
    return Reward(name=kind, weight=weight, command=(sys.executable, "-c", program))


def grpo_spec(
    run_dir: Path, base: Path, *rewards: Reward, parameters: dict[str, Any] | None = None, **changes: Any
) -> TrainingSpec:
    values = {
        "learning_rate": 1e-2,
        "num_train_epochs": 1,
        "num_generations": 4,
        "per_device_train_batch_size": 8,
        "max_length": 64,
        "max_completion_length": 8,
        **(parameters or {}),
    }
    return make_spec(
        run_dir,
        base,
        colour_rows(12),
        technique=Technique.GRPO,
        parameters=values,
        rewards=rewards,
        **changes,
    )


@pytest.fixture(scope="module")
def outcome(trainer: Trainer, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    run_dir = tmp_path_factory.mktemp("grpo")
    parameters = {
        "num_train_epochs": 4,
        "num_generations": 8,
        "learning_rate": 1e-2,
        "full_fine_tuning": True,
        "scale_rewards": "group",
    }
    rewards = (reward("short"), reward("same", 0.25))
    spec = grpo_spec(run_dir, base, *rewards, parameters=parameters, eval_rows=colour_rows(4))
    return trainer.run(spec).require()


def test_the_reward_rises(outcome: Outcome) -> None:
    steps = outcome.of("step")
    rewards = [event["metrics"]["rewards/short/mean"] for event in steps]

    assert len(steps) == outcome.of("preflight")[0]["estimated_steps"] == 48
    assert sum(rewards[-16:]) > sum(rewards[:16]) + 0.5
    assert all(event["metrics"]["rewards/same/mean"] == 0.5 for event in steps)
    assert steps[0]["metrics"]["reward"] == pytest.approx(rewards[0] + 0.125)


def test_steps_show_samples(outcome: Outcome) -> None:
    (first, second) = outcome.of("step")[0]["samples"]

    assert first["expected_output"].startswith("to ")
    assert first["input_text"] == second["input_text"]
    assert set(first["rewards"]) == {"short", "same"}


def test_it_is_exported_and_evaluated(outcome: Outcome) -> None:
    assert [event["number"] for event in outcome.of("checkpoint")] == [1, 2, 3, 4]
    assert "reward" in outcome.of("eval")[0]["metrics"]


def test_the_reference_is_where_it_began(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    held = {"beta": 0.1}
    first = trainer.run(grpo_spec(tmp_path / "a", base, reward("short"), parameters=held)).require()
    adapter = str(first.export(1))
    spec = grpo_spec(tmp_path / "b", base, reward("short"), parameters=held, adapter=adapter)
    second = trainer.run(spec).require()

    for outcome in (first, second):
        assert outcome.of("step")[0]["metrics"]["kl"] == pytest.approx(0, abs=0.01)
        assert outcome.of("step")[-1]["metrics"]["kl"] > 0


def test_rewards_that_tell_nothing_apart_are_told(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    spec = grpo_spec(tmp_path, base, reward("same"))
    outcome = trainer.run(spec).require()

    assert [event["code"] for event in outcome.of("warning")] == ["base_reward_all_equal", "no_reward_signal"]
    (preflight,) = outcome.of("preflight")
    assert preflight["base_reward"]["equal_groups"] == 1
    assert outcome.of("step")[0]["metrics"]["equal_groups"] == 1


def test_the_start_is_rewarded_before_the_first_step(outcome: Outcome) -> None:
    (preflight,) = outcome.of("preflight")
    found = preflight["base_reward"]

    assert (found["prompts"], found["answers_per_prompt"]) == (4, 8)
    assert found["mean"] == pytest.approx(found["functions"]["short"] + 0.25 * 0.5)
    assert found["functions"]["same"] == 0.5
    # What training samples first is rewarded about alike.
    assert found["functions"]["short"] == pytest.approx(
        outcome.of("step")[0]["metrics"]["rewards/short/mean"], abs=0.2
    )


def test_a_start_that_is_never_rewarded_is_told(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    outcome = trainer.run(grpo_spec(tmp_path, base, reward("never"))).require()
    warning = outcome.of("warning")[0]

    assert warning["code"] == "base_reward_near_zero"
    assert "SFT first" in warning["message"]


def test_rows_without_a_score_count_as_zero(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    outcome = trainer.run(grpo_spec(tmp_path, base, reward("sometimes"))).require()

    assert outcome.of("step")[0]["metrics"]["reward"] == 0.5
    assert "reward_without_score" in [event["code"] for event in outcome.of("warning")]


@pytest.mark.parametrize("kind", ["broken", "dead"])
def test_a_failing_reward_ends_the_run(trainer: Trainer, base: Path, tmp_path: Path, kind: str) -> None:
    outcome = trainer.run(grpo_spec(tmp_path, base, reward(kind))).require("error")

    assert outcome.end["code"] == "reward_failed"
    assert f"Reward function {kind}" in outcome.end["message"]


def test_fewer_rows_than_a_step_needs_are_refused(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    spec = grpo_spec(tmp_path, base, reward("same"), parameters={"per_device_train_batch_size": 64})
    outcome = trainer.run(spec).require("error")

    assert outcome.end["code"] == "invalid_data"


def test_a_killed_run_resumes_to_the_same_weights(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    def spec(name: str) -> TrainingSpec:
        return grpo_spec(tmp_path / name, base, reward("short"), parameters={"num_train_epochs": 3})

    undisturbed = trainer.run(spec("a")).require()
    kill_at(trainer, spec("b"), 8)
    outcome = trainer.run(resumed(spec("b"))).require()

    assert [event["step"] for event in outcome.of("step")] == list(range(7, 19))
    assert_same_weights(undisturbed, outcome)


def test_cancel_ends_it_in_time(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    spec = grpo_spec(tmp_path, base, reward("short"), parameters={"num_train_epochs": 500})
    with trainer.start(spec) as child:
        wait_for(spec, child, lambda event: event["event"] == "step")
        child.terminate()
        code = child.wait(5.0)

    Outcome(spec, code).require("cancelled")
