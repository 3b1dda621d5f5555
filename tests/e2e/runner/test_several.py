"""Several processes train one model: as one process would, and no longer than all of them live."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from embassy.platform.children import Child, start_child
from embassy.platform.forkserver import linux
from embassy.training import launch
from embassy.training.spec import PAUSE_SIGNAL, Technique, TrainingSpec, write_spec
from embassy.training.supervisor.trainer import STOP_SECONDS
from tests.e2e.runner.runs import DEADLINE_S, Event, Outcome, Trainer, colour_rows, make_spec, wait_for
from tests.e2e.runner.test_dpo import colour_preferences

pytestmark = pytest.mark.e2e


def start(spec: TrainingSpec) -> Child:
    """As the supervisor does."""
    run_dir = Path(spec.run_dir)
    path, config = run_dir / f"spec-{spec.attempt}.json", run_dir / f"accelerate-{spec.attempt}.json"
    write_spec(spec, path)
    config.write_text(launch.config(spec.parameters))
    return start_child(
        program=launch.PROGRAM,
        argv=launch.arguments(config, path),
        env={},
        cwd=run_dir,
        log=run_dir / f"log-{spec.attempt}",
        standby=None,
    )


def make_colours(run_dir: Path, base: Path, parameters: dict[str, Any], **changes: Any) -> TrainingSpec:
    fields: dict[str, Any] = {"precision": "fp32", "eval_rows": colour_rows(8), **changes}
    rows = fields.pop("rows", colour_rows(64))
    values = {"num_train_epochs": 3, "seed": 3, **parameters}
    folder = run_dir / "checkpoints"
    return make_spec(run_dir, base, rows, parameters=values, resume_from=str(folder), **fields)


def run(spec: TrainingSpec) -> Outcome:
    with start(spec) as child:
        return Outcome(spec, child.wait(DEADLINE_S))


def assert_close_weights(one: Outcome, other: Outcome) -> None:
    """What the last epochs exported differs only as sums do whose terms were added in another order."""
    number = len(one.of("checkpoint"))
    (expected,) = one.export(number).glob("*.safetensors")
    weights, found = load_file(expected), load_file(other.export(number) / expected.name)
    assert found.keys() == weights.keys()
    for name, weight in weights.items():
        torch.testing.assert_close(found[name], weight, rtol=1e-2, atol=1e-4)


@pytest.fixture(scope="module")
def alone(
    trainer: Trainer, base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[bool], Outcome]:
    """What one process makes of the same rows and batches: an adapter, or the whole model."""

    @cache
    def train(full: bool) -> Outcome:
        folder = tmp_path_factory.mktemp("alone")
        return trainer.run(make_colours(folder, base, {"full_fine_tuning": full})).require()

    return train


def make_two(run_dir: Path, base: Path, *, sharding: str, full: bool, **changes: Any) -> TrainingSpec:
    both = {"num_processes": 2, "sharding": sharding, "per_device_train_batch_size": 4}
    return make_colours(run_dir, base, {**both, "full_fine_tuning": full}, **changes)


def test_two_processes_that_share_a_model_learn_what_one_does(
    alone: Callable[[bool], Outcome], base: Path, tmp_path: Path
) -> None:
    one, two = alone(False), run(make_two(tmp_path, base, sharding="fsdp", full=False)).require()
    assert two.code == 0
    (began,) = two.of("started")
    assert began["processes"] == 2
    assert steps_of(two) == steps_of(one)
    for mine, others in zip(two.of("step"), one.of("step"), strict=True):
        assert mine["loss"] == pytest.approx(others["loss"], rel=1e-3)
    assert [event["number"] for event in two.of("checkpoint")] == [1, 2, 3]
    assert_close_weights(one, two)


def test_a_run_that_loses_a_process_and_is_paused_comes_to_the_same(
    alone: Callable[[bool], Outcome], base: Path, tmp_path: Path
) -> None:
    spec = make_two(tmp_path, base, sharding="none", full=False)
    with start(spec) as child:
        wait_for(spec, child, is_step(12))
        os.kill(processes_of(child)[1], signal.SIGKILL)
        lost = Outcome(spec, child.wait(DEADLINE_S)).require("error")
    assert lost.end["code"] == "process_lost"
    assert lost.end["message"].startswith("Process 2 of 2 died without a word")

    spec = replace(spec, attempt=2)
    with start(spec) as child:
        wait_for(spec, child, is_step(18))
        child.send_signal(PAUSE_SIGNAL)
        paused = Outcome(spec, child.wait(DEADLINE_S)).require("paused")
    assert paused.of("started")[0]["resumed_from"].endswith("checkpoint-8")

    resumed = run(replace(spec, attempt=3)).require()
    assert resumed.of("step")[0]["step"] == paused.of("step")[-1]["step"] + 1
    assert_close_weights(alone(False), resumed)


def test_nothing_outlives_the_launcher_and_spread_weights_are_taken_up_again(
    alone: Callable[[bool], Outcome], base: Path, tmp_path: Path
) -> None:
    spec = make_two(tmp_path, base, sharding="fsdp", full=True)
    with start(spec) as child:
        wait_for(spec, child, is_step(12))
        pids = processes_of(child)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(DEADLINE_S)
    assert len(pids) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    resumed = run(replace(spec, attempt=2)).require()
    assert resumed.of("started")[0]["resumed_from"].endswith("checkpoint-8")
    assert_close_weights(alone(True), resumed)


def test_cancel_ends_all_of_them_in_time(base: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"technique": Technique.DPO, "eval_rows": None}
    spec = make_two(
        tmp_path, base, sharding="none", full=False, rows=colour_preferences(400), precision="fp32", **changes
    )
    with start(spec) as child:
        wait_for(spec, child, is_step(2))
        pids = processes_of(child)
        child.terminate()
        code = child.wait(STOP_SECONDS)
    assert Outcome(spec, code).end["reason"] == "cancelled"
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_the_time_limit_ends_all_of_them(base: Path, tmp_path: Path) -> None:
    spec = make_two(tmp_path, base, sharding="none", full=False, time_limit_seconds=0.5)
    assert run(spec).end["reason"] == "time_limit"


def steps_of(outcome: Outcome) -> list[tuple[int, int]]:
    return [(event["step"], event["max_steps"]) for event in outcome.of("step")]


def is_step(number: int) -> Callable[[Event], bool]:
    return lambda event: event["event"] == "step" and event["step"] >= number


def processes_of(child: Child) -> list[int]:
    """The pids of the training processes, the first one first."""
    pids = linux.descendants(child.pid)
    ranks = {pid: environment(pid).get("RANK") for pid in pids}
    return sorted((pid for pid in pids if ranks[pid] is not None), key=lambda pid: int(ranks[pid] or 0))


def environment(pid: int) -> dict[str, str]:
    text = Path(f"/proc/{pid}/environ").read_text()
    return dict(item.split("=", 1) for item in text.split("\0") if "=" in item)
