"""A log file of bounded size."""

from collections import deque
from pathlib import Path

LIMIT_BYTES = 20 * 1024 * 1024
KEPT = 3


class LogFile:
    """Appends lines to `path`; when full it becomes `path.1`, that one `path.2`, and so on."""

    def __init__(self, path: Path, *, limit: int = LIMIT_BYTES, kept: int = KEPT) -> None:
        self.path = path
        self._limit = limit
        self._kept = kept
        self._file = open(path, "ab")  # noqa: SIM115 - open for the life of the service

    def write(self, line: bytes) -> None:
        """Append one line, given without its end."""
        if self._file.tell() + len(line) + 1 > self._limit:
            self._rotate()
        self._file.write(line + b"\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._kept - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self.path.replace(self._numbered(1))
        self._file = open(self.path, "ab")  # noqa: SIM115

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log; none where there is no file."""
    try:
        with open(path, errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, lines)]
    except FileNotFoundError:
        return []
