"""The run's account of itself: one JSON object a line, numbered without gaps."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from embassy.training.spec import EventType


class EventWriter:
    """Appends events to a new file.

    A line is written whole by one system call, so a reader that follows the file sees whole lines or, at
    the end, the beginning of one. Raises FileExistsError if the attempt already has a file.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def emit(self, event: EventType, *, durable: bool = False, **fields: Any) -> None:
        """Write one event; `durable` waits until it is on the disk."""
        self._sequence += 1
        document = {"seq": self._sequence, "time": time.time(), "event": event, **fields}
        line = json.dumps(jsonable(document), ensure_ascii=False, allow_nan=False) + "\n"
        os.write(self._file, line.encode())
        if durable:
            os.fsync(self._file)


class Silence:
    """For a process that has nothing to tell: another of the same run tells it."""

    def emit(self, event: EventType, *, durable: bool = False, **fields: Any) -> None:
        """Nothing is written."""


def jsonable(value: Any) -> Any:
    """`value` with numbers that JSON lacks (NaN, infinities) written as strings."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return value
