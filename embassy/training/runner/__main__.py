"""Train as a spec says: `python -m embassy.training.runner SPEC.json`.

Exit status: 0 the run ended as it should (also when stopped), 1 it failed, 2 there was nothing to run.
The `end` event says which and why; libraries' chatter and tracebacks go to standard error.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from embassy.training.runner import preload
from embassy.training.runner.events import EventWriter
from embassy.training.runner.failures import RunnerError, explain
from embassy.training.runner.limits import Limits, Stopped
from embassy.training.runner.run import Run
from embassy.training.spec import (
    EndCode,
    EndReason,
    EventType,
    SpecError,
    Task,
    Technique,
    TrainingSpec,
    read_spec,
)

TRAINERS = {
    (Technique.SFT, Task.TEXT_GENERATION): "sft",
    (Technique.DPO, Task.TEXT_GENERATION): "dpo",
    (Technique.GRPO, Task.TEXT_GENERATION): "grpo",
    (Technique.SFT, Task.CLASSIFICATION): "classification",
    (Technique.SFT, Task.REGRESSION): "regression",
    (Technique.SFT, Task.EMBEDDING): "embedding",
}

_SENTENCES = {
    EndReason.COMPLETED: "Training completed.",
    EndReason.CANCELLED: "Training was cancelled.",
    EndReason.PAUSED: "Training was paused; its state is saved.",
    EndReason.TIME_LIMIT: "Training reached its time limit. Raise the limit, or train fewer epochs.",
    EndReason.NAN_LOSS: "The loss is no longer a number. Lower the learning rate and retry.",
}


def main(argv: list[str]) -> int:
    os.environ.update({**preload.ENVIRONMENT, **os.environ})
    try:
        (path,) = argv
        spec = read_spec(path)
        Path(spec.run_dir).mkdir(parents=True, exist_ok=True)
        events = EventWriter(spec.events_file)
    except (ValueError, SpecError, OSError) as error:
        print(f"nothing to run: {error}", file=sys.stderr)
        return 2
    with events:
        return run(Run(spec, events, Limits(spec.time_limit_seconds)))


def run(run: Run) -> int:
    """Train and write the `end` event."""
    try:
        with run.limits, only_runner(run.spec):
            trainer(run.spec).train(run)
        return finish(run, EndReason.COMPLETED)
    except Stopped as stop:
        return finish(run, stop.reason)
    except Exception as error:  # noqa: BLE001 - the process's border: whatever went wrong must still be told
        traceback.print_exc()
        return fail(run, explain(error))


def finish(run: Run, reason: EndReason) -> int:
    run.emit(
        EventType.END, durable=True, reason=reason, code=EndCode(reason.value), message=_SENTENCES[reason]
    )
    return 1 if reason is EndReason.NAN_LOSS else 0


def fail(run: Run, error: RunnerError) -> int:
    run.emit(EventType.END, durable=True, reason=EndReason.ERROR, code=error.code, message=error.sentence)
    return 1


def trainer(spec: TrainingSpec) -> Any:
    """The module that trains this kind of job; only now are the heavy libraries imported."""
    preload.hide_vllm()
    preload.hide_progress_bars()
    module = importlib.import_module(f"embassy.training.runner.{TRAINERS[spec.technique, spec.task]}")
    gc.freeze()  # what was imported stays: collecting it over and over costs most of a second each time
    return module


class only_runner:  # noqa: N801 - reads as a verb where it is used
    """Hold the run folder's lock: two attempts that write the same checkpoints would corrupt them."""

    def __init__(self, spec: TrainingSpec) -> None:
        self._path = Path(spec.run_dir) / ".lock"

    def __enter__(self) -> None:
        self._file = self._path.open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunnerError(
                EndCode.RUN_FOLDER_BUSY,
                "An earlier attempt still runs in this run folder. Stop it before starting another.",
            ) from None

    def __exit__(self, *_: object) -> None:
        self._file.close()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # taking the libraries down in order would last longer than a short job
