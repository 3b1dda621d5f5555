"""This process among those that train together: the first one speaks, the others only compute.

Whoever fails leaves a note in the run folder, and the first one tells of it. Each process holds a lock while
it lives, so that one which was killed is found out too.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from embassy.training.runner.failures import RunnerError
from embassy.training.spec import EndCode, TrainingSpec

_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 0.05
# How long a process that is told to stop leaves the first one to understand why.
STEP_DOWN_SECONDS = 1.0


@dataclass(frozen=True)
class Ranks:
    """`number` of `count` processes, counted from 0. All of them are on this host."""

    number: int = 0
    count: int = 1

    @classmethod
    def from_environment(cls) -> Ranks:
        """As the launcher has set it; one process on its own otherwise."""
        return cls(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))

    @property
    def first(self) -> bool:
        return self.number == 0

    @property
    def several(self) -> bool:
        return self.count > 1

    @property
    def others(self) -> list[int]:
        return [number for number in range(self.count) if number != self.number]


def lock_path(spec: TrainingSpec, number: int) -> Path:
    return Path(spec.run_dir) / (f".lock-{number}" if number else ".lock")


def note_path(spec: TrainingSpec, number: int) -> Path:
    return Path(spec.run_dir) / f".failure-{spec.attempt}-{number}.json"


def leave_note(spec: TrainingSpec, ranks: Ranks, error: RunnerError) -> None:
    """Say why this process ends, for the first one to tell."""
    path = note_path(spec, ranks.number)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({"code": error.code, "sentence": error.sentence}), encoding="utf-8")
    partial.rename(path)


def failure_elsewhere(spec: TrainingSpec, ranks: Ranks, *, seconds: float) -> RunnerError | None:
    """Why another process has ended, if one has within so many seconds.

    A failure that a process could name comes before a death without a word, and that before what the
    others saw of it.
    """
    deadline = time.monotonic() + seconds
    while True:
        notes = {number: note for number in ranks.others if (note := _read_note(spec, number))}
        named = [note for note in notes.values() if note.code is not EndCode.INTERNAL_ERROR]
        dead = [number for number in ranks.others if number not in notes and is_dead(spec, number)]
        if found := [*named, *(_lost(number, ranks) for number in dead), *notes.values()]:
            return found[0]
        if time.monotonic() >= deadline:
            return None
        time.sleep(_LOOK_SECONDS)


def stay_with_parent() -> None:
    """Have the kernel kill this process when the launcher dies, by whatever cause."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def step_down_when_told() -> None:
    """End a while after SIGTERM, even if the main thread is stuck in a collective operation.

    For all processes but the first: that one must see them alive when it is told to stop itself, to know
    that none of them has failed.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.set_wakeup_fd(writing)  # written by the C handler, whatever the main thread does
    threading.Thread(target=_step_down, args=(reading,), daemon=True).start()


def _step_down(reading: int) -> None:
    while signal.SIGTERM not in os.read(reading, 64):
        pass
    time.sleep(STEP_DOWN_SECONDS)
    os._exit(128 + signal.SIGTERM)


def _read_note(spec: TrainingSpec, number: int) -> RunnerError | None:
    path = note_path(spec, number)
    if not path.exists():
        return None
    note = json.loads(path.read_text(encoding="utf-8"))
    return RunnerError(EndCode(note["code"]), note["sentence"])


def is_dead(spec: TrainingSpec, number: int) -> bool:
    """Whether the process let go of its lock. One that has not taken it yet, or is done, is not dead."""
    try:
        file: IO[str] = lock_path(spec, number).open("r")
    except FileNotFoundError:
        return False
    with file:
        return file.read() == str(spec.attempt) and _is_free(file)


def _is_free(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lost(number: int, ranks: Ranks) -> RunnerError:
    return RunnerError(
        EndCode.PROCESS_LOST,
        f"Process {number + 1} of {ranks.count} died without a word, perhaps for want of memory.",
    )
