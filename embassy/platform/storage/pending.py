"""A file that appears under its name complete and on disk, or not at all."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

MKDIR_ATTEMPTS = 20


class PendingFile:
    """Write to it, then commit(). Left without a commit, it is removed. `folder` is on the target's disk."""

    def __init__(self, target: Path, folder: Path) -> None:
        self._target = target
        self._path = folder / secrets.token_hex(16)
        folder.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("xb")
        self._committed = False

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def commit(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._move()
        self._committed = True
        sync_folder(self._target.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if not self._committed:
            self._path.unlink(missing_ok=True)

    def _move(self) -> None:
        # Whoever deletes the last neighbour removes the empty folder too, perhaps just before we move in.
        for attempt in range(MKDIR_ATTEMPTS):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._path.replace(self._target)
                return
            except FileNotFoundError:
                if attempt == MKDIR_ATTEMPTS - 1:
                    raise


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    with suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
