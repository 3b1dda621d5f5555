"""Bytes → numbered lines of text. What is not text is reported with its place, and read on."""

from collections.abc import Iterator
from typing import BinaryIO

from embassy.datasets.validation.limits import MAX_LINE_BYTES
from embassy.datasets.validation.report import Problem, Report

BOM = b"\xef\xbb\xbf"


def read_lines(stream: BinaryIO, report: Report) -> Iterator[tuple[int, str]]:
    """Line numbers from 1 and lines with their ends. Memory is bounded by MAX_LINE_BYTES."""
    number, offset = 0, 0
    while data := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        size = len(data)
        if size > MAX_LINE_BYTES and not data.endswith(b"\n"):
            size += _skip_line(stream)
            report.add(_too_long(number, size))
            data = b"\n"
        skipped = len(BOM) if number == 1 and data.startswith(BOM) else 0
        yield number, _decode(data[skipped:], number, offset + skipped, report)
        offset += size


def _skip_line(stream: BinaryIO) -> int:
    """Read to the end of the line, and return how many bytes that were."""
    size = 0
    while data := stream.readline(MAX_LINE_BYTES):
        size += len(data)
        if data.endswith(b"\n"):
            break
    return size


def _decode(data: bytes, number: int, offset: int, report: Report) -> str:
    if b"\0" in data:
        report.add(_nul(number, data.index(b"\0"), offset))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        report.add(_not_utf8(error, data, number, offset))
        return data.decode(errors="replace")


def _too_long(number: int, size: int) -> Problem:
    return Problem(
        "line_too_long",
        f"the line has {size} bytes",
        f"One line may have {MAX_LINE_BYTES} bytes. Is a line break or a closing quote missing?",
        line=number,
    )


def _nul(number: int, index: int, offset: int) -> Problem:
    return Problem(
        "nul_byte",
        "there is a NUL byte",
        "Text has none. Is this a binary file, or a text in another encoding than UTF-8?",
        line=number,
        offset=offset + index,
    )


def _not_utf8(error: UnicodeDecodeError, data: bytes, number: int, offset: int) -> Problem:
    return Problem(
        "not_utf8",
        "this is not UTF-8 text",
        "Save the file as UTF-8 and upload it again.",
        line=number,
        seen=f"0x{data[error.start]:02x}",
        offset=offset + error.start,
    )
