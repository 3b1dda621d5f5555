"""`accelerate launch` for one run: `main(argv)` with its arguments, as `embassy.training.launch` makes them.

SIGTERM ends every process. A pause is passed on to all; the first one heeds it. When a process ends with
another status than 0, the launcher ends the rest, and says in its log which one it was.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

from embassy.training.spec import PAUSE_SIGNAL

_ROOT = Path(__file__).resolve().parents[4]
_STOPPED = 128 + signal.SIGTERM


def main(argv: list[str]) -> int:
    """Run to the end; the exit status is 0 only if every process's is."""
    _prepare_surroundings()
    _pass_pauses_on()
    launch: Any = importlib.import_module("accelerate.commands.launch")
    try:
        launch.launch_command(launch.launch_command_parser().parse_args(argv))
    except ChildFailedError as error:
        number, first = error.get_first_failure()
        print(f"Error: process {number + 1} ended first, with status {first.exitcode}", file=sys.stderr)
        return 1
    except SignalException:
        return _STOPPED
    return 0


def _prepare_surroundings() -> None:
    """The launcher's own files go to the run folder, where we are; our package must be found from there."""
    scratch = Path.cwd() / "launcher"
    scratch.mkdir(exist_ok=True)
    tempfile.tempdir = str(scratch)  # of this process alone
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)


def _pass_pauses_on() -> None:
    """Blocked signals stay blocked in children: a pause waits there until they are ready for it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {PAUSE_SIGNAL})
    threading.Thread(target=_forward, daemon=True).start()


def _forward() -> None:
    while True:
        signum = signal.sigwait({PAUSE_SIGNAL})
        for pid in _children():
            os.kill(pid, signum)


def _children() -> list[int]:
    """Processes that we started. They are reaped by the main thread, which a signal too late cannot harm:
    a pid is not given out again within moments."""
    tasks = Path("/proc/self/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
