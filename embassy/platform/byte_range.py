"""The Range header, for one range. Pure."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Unsatisfiable(Exception):
    """No byte of the file lies in the range."""


@dataclass(frozen=True)
class ByteRange:
    """Bytes from `start` up to, but without, `stop`."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start


def parse_range(header: str, size: int) -> ByteRange | None:
    """None where there is no range, several, or nonsense: then HTTP wants the whole file to be sent."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first == "":
        return _checked(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return _checked(int(first), min(size, int(last) + 1) if last else size)


def _checked(start: int, stop: int) -> ByteRange:
    if start >= stop:
        raise Unsatisfiable
    return ByteRange(start, stop)
