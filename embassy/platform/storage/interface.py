"""What every storage can do."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from embassy.platform.errors import NotFound

Source = bytes | Path | BinaryIO


class ObjectMissing(NotFound):
    """There is no object of this key."""

    code = "file_not_found"

    def __init__(self, key: str) -> None:
        super().__init__(f"The stored file {key} is missing.")
        self.key = key


class Storage(Protocol):
    """Every method raises ValueError for a malformed key and Unavailable while S3 cannot be reached."""

    def put(self, key: str, source: Source) -> None:
        """Store bytes, a file, or the rest of a binary stream. Readers see all of it or nothing."""

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        """A stream to read from, from byte `start` on; close it. Raises ObjectMissing."""

    def read(self, key: str) -> bytes:
        """All of a small object. Raises ObjectMissing."""

    def download(self, key: str, path: Path) -> None:
        """Write the object to a file, which appears whole or not at all. Raises ObjectMissing."""

    def size(self, key: str) -> int:
        """Bytes. Raises ObjectMissing."""

    def modified_at(self, key: str) -> datetime:
        """When the object was put. Raises ObjectMissing."""

    def exists(self, key: str) -> bool: ...

    def list(self, prefix: str = "") -> Iterator[str]:
        """The keys that start with `prefix`, in the order of their bytes."""

    def copy(self, source: str, target: str) -> None:
        """Raises ObjectMissing."""

    def delete(self, key: str) -> None:
        """Nothing happens if there is no such object."""

    def delete_prefix(self, prefix: str) -> int:
        """Delete all under `prefix`, which must end with a slash; returns how many objects there were."""

    def presigned_get(self, key: str, *, filename: str | None = None, seconds: int | None = None) -> str:
        """An absolute URL that anyone may read for `seconds` (default: EMBASSY_DOWNLOAD_URL_SECONDS)."""

    def presigned_put(self, key: str, *, max_bytes: int | None = None, seconds: int | None = None) -> str:
        """An absolute URL that takes one PUT. S3 does not enforce `max_bytes`: check size() afterwards."""

    def begin_parts(self, key: str) -> str:
        """Begin an object that comes in parts, and name it: the other methods want that name as `parts`."""

    def presigned_part(
        self, key: str, parts: str, number: int, *, size: int, sha256: str = "", seconds: int | None = None
    ) -> str:
        """An absolute URL that takes one PUT of a part, numbered from 1.

        S3 does not enforce the size; our own storage does, and the SHA-256 (in hexadecimal) if there is one.
        """

    def stored_parts(self, key: str, parts: str) -> dict[int, int]:
        """The bytes of each part that is there, by its number."""

    def join_parts(self, key: str, parts: str) -> None:
        """Make the object of the parts that are there. Repeatable while they are."""

    def drop_parts(self, key: str, parts: str) -> None:
        """Remove the parts. Nothing happens if there are none."""
