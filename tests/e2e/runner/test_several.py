"""Several processes train one model: as one process would, and no longer than all of them live."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from embassy.platform.children import Child, start_child
from embassy.training import launch
from embassy.training.spec import TrainingSpec, write_spec
from tests.e2e.runner.runs import DEADLINE_S, Outcome, Trainer, colour_rows, make_spec

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
    return make_spec(run_dir, base, fields.pop("rows", colour_rows(32)), parameters=parameters, **fields)


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


@pytest.mark.parametrize("full", [False, True], ids=["lora", "full"])
@pytest.mark.parametrize("sharding", ["none", "fsdp"])
def test_two_processes_learn_what_one_does(
    trainer: Trainer, base: Path, tmp_path: Path, sharding: str, full: bool
) -> None:
    alone: dict[str, Any] = {"full_fine_tuning": full, "seed": 3}
    both = {**alone, "num_processes": 2, "sharding": sharding, "per_device_train_batch_size": 4}
    one = trainer.run(make_colours(tmp_path / "one", base, alone))
    two = run(make_colours(tmp_path / "two", base, both))
    assert two.end["reason"] == "completed", two.log
    assert two.code == 0
    steps = [(event["step"], event["max_steps"]) for event in two.of("step")]
    assert steps == [(event["step"], event["max_steps"]) for event in one.of("step")]
    for mine, others in zip(two.of("step"), one.of("step"), strict=True):
        assert mine["loss"] == pytest.approx(others["loss"], rel=1e-3)
    assert [event["number"] for event in two.of("checkpoint")] == [1, 2]
    assert_close_weights(one, two)
