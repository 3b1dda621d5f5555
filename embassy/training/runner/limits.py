"""Cancellation, the time limit, and pauses.

The first two arrive as signals and become `Stopped`, raised in the main thread wherever it is: within a step,
a generation or a tokenization. Python runs handlers between bytecodes, so the delay is one torch operation.
A pause does the same until steps are made; from then on it waits for a point at which everything is saved.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

from embassy.training.spec import PAUSE_SIGNAL, EndReason

_EXIT_TERMINATED = 128 + signal.SIGTERM


class Stopped(BaseException):
    """The run must end now. Not an Exception, so that no library mistakes it for a failure."""

    def __init__(self, reason: EndReason) -> None:
        super().__init__(reason)
        self.reason = reason


class Limits:
    """While entered, SIGTERM and the end of `time_limit_seconds` raise `Stopped` in the main thread.

    So does PAUSE_SIGNAL, before `await_pause_points`; after it, `pause_point` does.
    """

    def __init__(self, time_limit_seconds: float | None) -> None:
        self._time_limit = time_limit_seconds
        self._reason: EndReason | None = None
        self._shields = 0
        self._awaits_points = False
        self.pause_asked = False

    def __enter__(self) -> Self:
        signal.signal(signal.SIGTERM, self._on_terminate)
        signal.signal(signal.SIGALRM, self._on_alarm)
        signal.signal(PAUSE_SIGNAL, self._on_pause)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {PAUSE_SIGNAL})  # a launcher holds it back until now
        signal.setitimer(signal.ITIMER_REAL, self._time_limit or 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What happened has been decided; the last words must not be interrupted.
        self._shields += 1
        signal.setitimer(signal.ITIMER_REAL, 0)

    def check(self) -> None:
        """Raise `Stopped` if a stop was asked for: a library may have swallowed the first one."""
        if self._reason and not self._shields:
            raise Stopped(self._reason)

    def await_pause_points(self) -> None:
        """From now on there is something to lose: a pause waits for the next `pause_point`."""
        self._awaits_points = True

    def pause_point(self) -> None:
        """Raise `Stopped` if a pause was asked for. Call it where a later attempt can go on from."""
        if self.pause_asked:
            self._stop(EndReason.PAUSED)

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Put off a stop to the end of the block. Keep the block short."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        self.check()

    def _on_terminate(self, _signal: int, _frame: FrameType | None) -> None:
        if self._reason is EndReason.CANCELLED:  # asked twice: whoever asks has lost patience
            os._exit(_EXIT_TERMINATED)
        self._stop(EndReason.CANCELLED)

    def _on_pause(self, _signal: int, _frame: FrameType | None) -> None:
        self.pause_asked = True
        if not self._awaits_points:
            self._stop(EndReason.PAUSED)

    def _on_alarm(self, _signal: int, _frame: FrameType | None) -> None:
        self._stop(EndReason.TIME_LIMIT)

    def _stop(self, reason: EndReason) -> None:
        self._reason = self._reason or reason
        self.check()
