"""Run folders for the trainer, and what it wrote into them."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from embassy.platform.children import Child, start_child
from embassy.training.spec import (
    BaseModel,
    DataFiles,
    Task,
    Technique,
    TrainingSpec,
    parse_parameters,
    write_spec,
)

PROGRAM = "embassy.training.runner"
DEADLINE_S = 120.0
COLOURS = ("red", "blue", "green", "black")

Event = dict[str, Any]
Rows = Iterable[dict[str, Any]]


def chat(*turns: str) -> dict[str, Any]:
    """A canonical row: user and assistant by turns."""
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": text} for i, text in enumerate(turns)]}


def colour_rows(count: int) -> list[dict[str, Any]]:
    """Questions whose answer is the colour that they name."""
    return [chat(f"My {COLOURS[i % 4]} parcel {i} is late.", f"to {COLOURS[i % 4]}") for i in range(count)]


def write_rows(path: Path, rows: Rows) -> Path:
    with path.open("w") as file:
        for number, row in enumerate(rows, start=1):
            file.write(json.dumps({"line": number, **row}) + "\n")
    return path


def make_spec(
    run_dir: Path,
    base: Path,
    rows: Rows,
    *,
    eval_rows: Rows | None = None,
    technique: Technique = Technique.SFT,
    task: Task = Task.TEXT_GENERATION,
    parameters: dict[str, Any] | None = None,
    labels: tuple[str, ...] = (),
    **changes: Any,
) -> TrainingSpec:
    run_dir.mkdir(parents=True, exist_ok=True)
    values = {
        "learning_rate": 3e-3,
        "num_train_epochs": 2,
        "per_device_train_batch_size": 8,
        "max_length": 64,
        "lora_r": 4,
        "lora_alpha": 8,
        **(parameters or {}),
    }
    evaluation = eval_rows and str(write_rows(run_dir / "eval.jsonl", eval_rows))
    fields: dict[str, Any] = {
        "job_id": "tr-test",
        "attempt": 1,
        "technique": technique,
        "task": task,
        "run_dir": str(run_dir),
        "base": BaseModel(path=str(base), name="tiny-random", revision="r1", sha256="b" * 64),
        "data": DataFiles(
            train=str(write_rows(run_dir / "train.jsonl", rows)),
            train_sha256="d" * 64,
            eval=evaluation,
            eval_sha256=evaluation and "e" * 64,
            labels=labels,
        ),
        "parameters": parse_parameters(technique, task, values),
        "threads": 1,
    }
    return TrainingSpec(**{**fields, **changes})


@dataclass(frozen=True)
class Trainer:
    """Starts the program, from the standby where there is one."""

    standby: Path | None

    def start(self, spec: TrainingSpec) -> Child:
        run_dir = Path(spec.run_dir)
        path = run_dir / f"spec-{spec.attempt}.json"
        write_spec(spec, path)
        return start_child(
            program=PROGRAM,
            argv=[str(path)],
            env={},
            cwd=run_dir,
            log=run_dir / f"log-{spec.attempt}",
            standby=self.standby,
        )

    def run(self, spec: TrainingSpec) -> "Outcome":
        with self.start(spec) as child:
            return Outcome(spec, child.wait(DEADLINE_S))


@dataclass(frozen=True)
class Outcome:
    spec: TrainingSpec
    code: int

    @property
    def events(self) -> list[Event]:
        return read_events(self.spec)

    @property
    def end(self) -> Event:
        assert self.events, self.log
        return self.events[-1]

    @property
    def log(self) -> str:
        return (Path(self.spec.run_dir) / f"log-{self.spec.attempt}").read_text()

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event["event"] == kind]

    def export(self, number: int) -> Path:
        return self.spec.exports_dir / str(number)

    def require(self, reason: str = "completed") -> "Outcome":
        """This outcome, if it ended for that reason."""
        assert self.end.get("reason") == reason, (self.end, self.log)
        return self


def read_events(spec: TrainingSpec) -> list[Event]:
    if not spec.events_file.exists():
        return []
    return [
        json.loads(line) for line in spec.events_file.read_text().splitlines(keepends=True) if "\n" in line
    ]


def wait_for(spec: TrainingSpec, child: Child, wanted: Callable[[Event], bool]) -> Event:
    """The first event of a running trainer that `wanted` accepts."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        ended = child.poll()
        for event in read_events(spec):
            if wanted(event):
                return event
        assert ended is None, f"ended with {ended}"
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def resumed(spec: TrainingSpec) -> TrainingSpec:
    """The next attempt at the same run."""
    return replace(spec, attempt=2, resume_from=str(spec.checkpoints_dir))


def kill_at(trainer: Trainer, spec: TrainingSpec, step: int) -> None:
    """Start a run and kill it -9 once it has reported that step."""
    with trainer.start(spec) as child:
        wait_for(spec, child, lambda event: event["event"] == "step" and event["step"] >= step)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(30.0)
    assert read_events(spec)[-1]["event"] != "end"


def assert_same_weights(one: Outcome, other: Outcome) -> None:
    """What the last epochs exported is equal to the last bit."""
    number = len(one.of("checkpoint"))
    (expected,) = one.export(number).glob("*.safetensors")
    weights, found = load_file(expected), load_file(other.export(number) / expected.name)
    assert weights.keys() == found.keys()
    for name, weight in weights.items():
        assert torch.equal(weight, found[name]), name
