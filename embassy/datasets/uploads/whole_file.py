"""The uploaded object as a stream that digests what goes through it."""

import hashlib
import io
from collections.abc import Callable, Mapping
from typing import BinaryIO, cast

from embassy.platform.errors import InvalidInput

PIECE_BYTES = 1024 * 1024


class DamagedPart(InvalidInput):
    code = "damaged_part"


class WholeFile(io.RawIOBase):
    """Reads on from `stream`. Raises DamagedPart where a part has another SHA-256 than was announced.

    `announced` are the digests, in hexadecimal, of parts of `part_bytes`, numbered from 1.
    """

    def __init__(self, stream: BinaryIO, *, part_bytes: int, announced: Mapping[int, str]) -> None:
        self._stream, self._part_bytes, self._announced = stream, part_bytes, announced
        self._whole, self._part = hashlib.sha256(), hashlib.sha256()
        self.position = 0
        self.each_piece: Callable[[], None] = lambda: None

    @property
    def sha256(self) -> str:
        """Of all that was read."""
        return self._whole.hexdigest()

    def buffered(self) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(self, PIECE_BYTES))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        left = self._part_bytes - self.position % self._part_bytes
        data = self._stream.read(min(len(buffer), left))
        buffer[: len(data)] = data
        self._whole.update(data)
        self._part.update(data)
        self.position += len(data)
        in_part = self.position % self._part_bytes
        if (data and not in_part) or (not data and in_part):
            self._end_part(-(-self.position // self._part_bytes))
        self.each_piece()
        return len(data)

    def _end_part(self, number: int) -> None:
        expected = self._announced.get(number)
        if expected and self._part.hexdigest() != expected:
            raise DamagedPart(f"Part {number} of the file was damaged on its way. Upload the file again.")
        self._part = hashlib.sha256()
