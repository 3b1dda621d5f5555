"""Cancellation and the time limit.

Both arrive as signals and become `Stopped`, raised in the main thread wherever it is: within a step, a
generation or a tokenization. Python runs handlers between bytecodes, so the delay is one torch operation.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

from embassy.training.spec import EndReason

_EXIT_TERMINATED = 128 + signal.SIGTERM


class Stopped(BaseException):
    """The run must end now. Not an Exception, so that no library mistakes it for a failure."""

    def __init__(self, reason: EndReason) -> None:
        super().__init__(reason)
        self.reason = reason


class Limits:
    """While entered, SIGTERM and the end of `time_limit_seconds` raise `Stopped` in the main thread."""

    def __init__(self, time_limit_seconds: float | None) -> None:
        self._time_limit = time_limit_seconds
        self._reason: EndReason | None = None
        self._shields = 0

    def __enter__(self) -> Self:
        signal.signal(signal.SIGTERM, self._on_terminate)
        signal.signal(signal.SIGALRM, self._on_alarm)
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

    def _on_alarm(self, _signal: int, _frame: FrameType | None) -> None:
        self._stop(EndReason.TIME_LIMIT)

    def _stop(self, reason: EndReason) -> None:
        self._reason = self._reason or reason
        self.check()
