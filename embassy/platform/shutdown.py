"""Let a long task see that its process is told to stop."""

import signal
from types import FrameType, TracebackType
from typing import Any


class StopRequest:
    """`requested` becomes true on SIGTERM while the block runs. Only for a process's main thread."""

    def __init__(self) -> None:
        self.requested = False
        self._before: Any = None

    def __enter__(self) -> "StopRequest":
        self._before = signal.signal(signal.SIGTERM, self._request)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGTERM, self._before)

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
