"""Let a supervisor see that its process is told to stop: by its worker, or by a SIGTERM of its own."""

import signal
from types import FrameType, TracebackType
from typing import Any

from embassy.platform import shutdown


class StopRequest:
    """While the block runs, SIGTERM only sets `requested`. For a process's main thread."""

    def __init__(self) -> None:
        self._signalled = False
        self._before: Any = None

    @property
    def requested(self) -> bool:
        return self._signalled or shutdown.is_announced()

    def __enter__(self) -> "StopRequest":
        self._before = signal.signal(signal.SIGTERM, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGTERM, self._before)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True
