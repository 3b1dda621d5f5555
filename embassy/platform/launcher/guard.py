"""The process in front: it passes signals on to the supervisor and cleans up when that one dies of any cause.

Both adopt the orphans below them, and each notices the other's death: after kill -9 of either of them the
other one ends everything. After kill -9 of both, the kernel's parent-death signal ends the services, and
the next start sweeps what is left.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from embassy.platform.launcher import kernel
from embassy.platform.launcher.sweep import descendants, reap_all, sweep

# Ctrl-C asks the supervisor to stop, a second one to hurry; a third one does not ask.
_PATIENCE = 3
_FORWARDED = {
    signal.SIGINT: signal.SIGINT,
    signal.SIGTERM: signal.SIGTERM,
    signal.SIGQUIT: signal.SIGTERM,
    signal.SIGHUP: signal.SIGTERM,
}


def run_guarded(home: Path, supervise: Callable[[], int]) -> int:
    """Run `supervise` in a process of its own; returns its exit code when nothing of the platform is left."""
    kernel.adopt_orphans()
    # A signal that comes between fork and handler waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        _become_supervisor(guard, supervise)
    _forward_signals(child)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    _, status = os.waitpid(child, 0)
    sweep(descendants(home), reap=reap_all)
    return os.waitstatus_to_exitcode(status)


def _become_supervisor(guard: int, supervise: Callable[[], int]) -> None:
    """Never returns. Out of the terminal's session, so that Ctrl-C reaches us once, through the guard."""
    code = 1
    try:
        os.setsid()
        kernel.die_with_parent(signal.SIGTERM, guard)
        kernel.adopt_orphans()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
        code = supervise()
    finally:
        os._exit(code)


def _forward_signals(child: int) -> None:
    count = 0

    def forward(number: int, _frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        wanted = _FORWARDED[signal.Signals(number)] if count < _PATIENCE else signal.SIGKILL
        os.kill(child, wanted)

    for number in _FORWARDED:
        signal.signal(number, forward)
