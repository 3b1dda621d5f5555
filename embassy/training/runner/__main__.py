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
import time
import traceback
from pathlib import Path
from typing import Any

from embassy.training.launch import has_gpu, wants_vllm
from embassy.training.runner import preload
from embassy.training.runner.events import EventWriter, Silence
from embassy.training.runner.failures import RunnerError, explain
from embassy.training.runner.limits import Limits, Stopped
from embassy.training.runner.ranks import (
    STEP_DOWN_SECONDS,
    Ranks,
    failure_elsewhere,
    leave_note,
    lock_path,
    stay_with_parent,
    step_down_when_told,
)
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


# From the first sign of a failure to its cause being known.
FAILURE_SECONDS = 2.0


def main(argv: list[str]) -> int:
    os.environ.update({**preload.ENVIRONMENT, **os.environ})
    ranks = Ranks.from_environment()
    try:
        (path,) = argv
        spec = read_spec(path)
        Path(spec.run_dir).mkdir(parents=True, exist_ok=True)
        events = EventWriter(spec.events_file) if ranks.first else None
    except (ValueError, SpecError, OSError) as error:
        print(f"nothing to run: {error}", file=sys.stderr)
        return 2
    if ranks.several:
        stay_with_parent()
    if events is None:
        return follow(Run(spec, Silence(), Limits(None), ranks))
    with events:
        return run(Run(spec, events, Limits(spec.time_limit_seconds), ranks))


def run(run: Run) -> int:
    """Train and write the `end` event."""
    try:
        with run.limits, only_runner(run.spec, run.ranks):
            trainer(run.spec).train(run)
        return finish(run, EndReason.COMPLETED)
    except Stopped as stop:
        # The launcher stops us as well when another process has failed.
        is_told = stop.reason is EndReason.CANCELLED and run.ranks.several
        failure = failure_elsewhere(run.spec, run.ranks, seconds=0) if is_told else None
        return fail(run, failure) if failure else finish(run, stop.reason)
    except Exception as error:  # noqa: BLE001 - the process's border: whatever went wrong must still be told
        traceback.print_exc()
        return fail(run, explain_of_all(run, error))


def follow(run: Run) -> int:
    """Train beside the first process, which tells of us both."""
    step_down_when_told()
    with only_runner(run.spec, run.ranks):
        try:
            trainer(run.spec).train(run)
            return 0
        except Stopped:
            time.sleep(STEP_DOWN_SECONDS)  # the first process stops for the same reason, and is to say so
            return 1
        except Exception as error:  # noqa: BLE001 - as above
            traceback.print_exc()
            leave_note(run.spec, run.ranks, explain(error))
            return 1


def explain_of_all(run: Run, error: Exception) -> RunnerError:
    """The failure behind `error`; what we cannot explain may have befallen another process first."""
    failure = explain(error)
    if run.ranks.several and failure.code is EndCode.INTERNAL_ERROR:
        return failure_elsewhere(run.spec, run.ranks, seconds=FAILURE_SECONDS) or failure
    return failure


def finish(run: Run, reason: EndReason) -> int:
    run.emit(
        EventType.END, durable=True, reason=reason, code=EndCode(reason.value), message=_SENTENCES[reason]
    )
    is_well = reason is EndReason.COMPLETED if run.ranks.several else reason is not EndReason.NAN_LOSS
    return 0 if is_well else 1  # of several processes, the launcher stops the others when one ends with 1


def fail(run: Run, error: RunnerError) -> int:
    run.emit(EventType.END, durable=True, reason=EndReason.ERROR, code=error.code, message=error.sentence)
    return 1


def trainer(spec: TrainingSpec) -> Any:
    """The module that trains this kind of job; only now are the heavy libraries imported."""
    if not wants_vllm(spec.parameters, has_gpu=has_gpu()):
        preload.hide_vllm()
    preload.hide_progress_bars()
    module = importlib.import_module(f"embassy.training.runner.{TRAINERS[spec.technique, spec.task]}")
    gc.freeze()  # what was imported stays: collecting it over and over costs most of a second each time
    return module


class only_runner:  # noqa: N801 - reads as a verb where it is used
    """Hold the run folder's lock: two attempts that write the same checkpoints would corrupt them."""

    def __init__(self, spec: TrainingSpec, ranks: Ranks) -> None:
        self._path, self._attempt = lock_path(spec, ranks.number), spec.attempt

    def __enter__(self) -> None:
        self._file = self._path.open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunnerError(
                EndCode.RUN_FOLDER_BUSY,
                "An earlier attempt still runs in this run folder. Stop it before starting another.",
            ) from None
        self._sign(str(self._attempt))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._sign("")  # done, not dead: see ranks.is_dead
        self._file.close()

    def _sign(self, text: str) -> None:
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # taking the libraries down in order would last longer than a short job
