"""Objects as plain files under one folder: the key is the path. URLs are signed and served by us."""

import io
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from embassy.platform.storage.interface import ObjectMissing, Source
from embassy.platform.storage.keys import check_folder, check_key, check_prefix
from embassy.platform.storage.links import Link
from embassy.platform.storage.pending import PendingFile

COPY_BYTES = 1024 * 1024
UNFINISHED = ".unfinished"
PARTS = "parts"
LEFTOVER_SECONDS = 24 * 3600

_swept: set[Path] = set()


class FileStorage:
    """See Storage. Many processes may use one folder at the same time."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, key: str, source: Source) -> None:
        with _stream(source) as stream, self.receive(key) as pending:
            while data := stream.read(COPY_BYTES):
                pending.write(data)
            pending.commit()

    def receive(self, key: str) -> PendingFile:
        """The object of this key, to be written piece by piece."""
        target = self.path(key)
        self._sweep_once()
        return PendingFile(target, self.root / UNFINISHED)

    def path(self, key: str) -> Path:
        return self.root / check_key(key)

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        with _missing(key):
            stream = self.path(key).open("rb")
        stream.seek(start)
        return stream

    def read(self, key: str) -> bytes:
        with self.open(key) as stream:
            return stream.read()

    def download(self, key: str, path: Path) -> None:
        with self.open(key) as stream, PendingFile(path, path.parent) as pending:
            while data := stream.read(COPY_BYTES):
                pending.write(data)
            pending.commit()

    def size(self, key: str) -> int:
        return self._stat(key).st_size

    def modified_at(self, key: str) -> datetime:
        return datetime.fromtimestamp(self._stat(key).st_mtime, UTC)

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    def list(self, prefix: str = "") -> Iterator[str]:
        check_prefix(prefix)
        folder, _, start = prefix.rpartition("/")
        path = self.root / folder
        if path.is_dir():
            yield from _walk(path, f"{folder}/" if folder else "", start)

    def copy(self, source: str, target: str) -> None:
        check_key(target)
        with self.open(source) as stream:
            self.put(target, stream)

    def delete(self, key: str) -> None:
        path = self.path(key)
        path.unlink(missing_ok=True)
        self._remove_empty_folders(path.parent)

    def delete_prefix(self, prefix: str) -> int:
        path = self.root / check_folder(prefix)
        count = sum(1 for _ in self.list(prefix))
        shutil.rmtree(path, onerror=_unless_gone)
        self._remove_empty_folders(path.parent)
        return count

    def presigned_get(self, key: str, *, filename: str | None = None, seconds: int | None = None) -> str:
        return Link("GET", check_key(key), filename=filename).url(seconds or settings.DOWNLOAD_URL_SECONDS)

    def presigned_put(self, key: str, *, max_bytes: int | None = None, seconds: int | None = None) -> str:
        return Link("PUT", check_key(key), max_bytes=max_bytes).url(seconds or settings.DOWNLOAD_URL_SECONDS)

    def begin_parts(self, key: str) -> str:
        check_key(key)
        return secrets.token_hex(16)

    def presigned_part(
        self, key: str, parts: str, number: int, *, size: int, sha256: str = "", seconds: int | None = None
    ) -> str:
        link = Link("PUT", _part_key(parts, number), max_bytes=size, sha256=sha256)
        return link.url(seconds or settings.DOWNLOAD_URL_SECONDS)

    def stored_parts(self, key: str, parts: str) -> dict[int, int]:
        return {int(part.rpartition("/")[2]): self.size(part) for part in self.list(f"{PARTS}/{parts}/")}

    def join_parts(self, key: str, parts: str) -> None:
        with self.receive(key) as pending:
            for part in self.list(f"{PARTS}/{parts}/"):
                with self.open(part) as stream:
                    while data := stream.read(COPY_BYTES):
                        pending.write(data)
            pending.commit()

    def drop_parts(self, key: str, parts: str) -> None:
        self.delete_prefix(f"{PARTS}/{parts}/")

    def _stat(self, key: str) -> os.stat_result:
        with _missing(key):
            path = self.path(key)
            if not path.is_file():
                raise ObjectMissing(key)
            return path.stat()

    def _remove_empty_folders(self, folder: Path) -> None:
        with suppress(OSError):  # not empty, or somebody else removed it
            while folder != self.root:
                folder.rmdir()
                folder = folder.parent

    def _sweep_once(self) -> None:
        """Remove what writers that were killed left behind: at the first write of each process."""
        if self.root in _swept:
            return
        _swept.add(self.root)
        limit = time.time() - LEFTOVER_SECONDS
        for path in (self.root / UNFINISHED).glob("*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < limit:
                    path.unlink()


def _part_key(parts: str, number: int) -> str:
    """So that the order of the keys is that of the parts."""
    return check_key(f"{PARTS}/{parts}/{number:06d}")


@contextmanager
def _stream(source: Source) -> Iterator[BinaryIO]:
    """A stream over the source; only a file that we open ourselves is closed."""
    if isinstance(source, Path):
        with source.open("rb") as stream:
            yield stream
    elif isinstance(source, bytes):
        yield io.BytesIO(source)
    else:
        yield source


@contextmanager
def _missing(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise ObjectMissing(key) from None


def _unless_gone(
    _function: object, _path: str, failure: tuple[type[BaseException], BaseException, object]
) -> None:
    """Two may delete the same folder at the same time."""
    if not isinstance(failure[1], FileNotFoundError):
        raise failure[1]


def _walk(folder: Path, prefix: str, start: str = "") -> Iterator[str]:
    """Keys under `folder` whose next part starts with `start`, ordered as S3 orders them."""
    with suppress(FileNotFoundError, NotADirectoryError):  # deleted meanwhile
        entries = [entry for entry in os.scandir(folder) if entry.name.startswith(start)]
        names = sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries)
        for name in names:
            if name.startswith("."):
                continue
            if name.endswith("/"):
                yield from _walk(folder / name, prefix + name)
            else:
                yield prefix + name
