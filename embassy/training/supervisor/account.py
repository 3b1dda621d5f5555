"""Reads the events file of an attempt while the trainer writes it."""

import json
import time
from pathlib import Path

from embassy.training import records
from embassy.training.records import Line
from embassy.training.spec import EventType
from embassy.training.supervisor.session import Session

BATCH_BYTES = 1024 * 1024


class Account:
    """Follows one file from `offset` bytes on. What was read stays unread until it is stored."""

    def __init__(self, session: Session, path: Path, *, attempt: int, offset: int = 0) -> None:
        self._session, self._path, self._attempt = session, path, attempt
        self._offset = offset
        self._used_before, self._began = session.job.seconds_used, time.monotonic()
        self.end: Line | None = None

    def store_new(self, *, counts_time: bool = True) -> None:
        """Store every whole line that is new. Raises Fenced, or the database's errors: then call again."""
        while True:
            lines, offset = self._read()
            if not lines:
                return
            records.record_lines(
                self._session.job,
                lines,
                token=self._session.token,
                attempt=self._attempt,
                offset=offset,
                seconds_used=self.seconds_used if counts_time else self._used_before,
            )
            self._offset = offset
            self.end = next((line for line in lines if line.kind == EventType.END), self.end)

    @property
    def seconds_used(self) -> float:
        """Training time of the job so far, this attempt's included."""
        return self._used_before + time.monotonic() - self._began

    def _read(self) -> tuple[list[Line], int]:
        if not self._path.exists():
            return [], self._offset
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(BATCH_BYTES)
        whole = data[: data.rfind(b"\n") + 1]
        lines = [line for raw in whole.splitlines() if (line := _parsed(raw)) is not None]
        return lines, self._offset + len(whole)


def _parsed(raw: bytes) -> Line | None:
    """None for a line that a full disk cut short: the run itself will tell of that disk."""
    try:
        return Line.parse(json.loads(raw))
    except (ValueError, KeyError, TypeError):
        return None
