"""Ends work that blocks, such as a download, when it is no longer wanted."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from django.db import connection

from embassy.training.supervisor.outcomes import Fenced, Interrupted

WATCH_SECONDS = 0.5
WAKE_SIGNAL = signal.SIGUSR2


class Interruption:
    """While entered, what `check` raises is raised in the midst of the block, within a second.

    A thread asks; a signal carries its answer into the main thread. Libraries may turn what is raised there
    into errors of their own, or swallow it: it is raised again, and stands at the end of the block.
    Elsewhere than on the main thread it does nothing. Nothing in the block may use the database.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._outcome: Fenced | Interrupted | None = None
        self._armed = False
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="interruption", daemon=True)
        self._handler: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(WAKE_SIGNAL, self._on_wake)
            self._armed = True
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._thread.is_alive():
            return
        self._armed = False
        self._left.set()
        self._thread.join()
        signal.signal(WAKE_SIGNAL, self._handler)
        if self._outcome is not None:
            raise self._outcome from None

    def _watch(self) -> None:
        main = threading.main_thread().ident
        assert main is not None
        try:
            while not self._left.wait(WATCH_SECONDS):
                try:
                    self._check()
                except (Fenced, Interrupted) as outcome:
                    self._outcome = outcome
                    signal.pthread_kill(main, WAKE_SIGNAL)
        finally:
            connection.close()  # this thread's own

    def _on_wake(self, _signal: int, _frame: FrameType | None) -> None:
        if self._armed and self._outcome is not None:
            raise self._outcome
