"""Files as a whole: what they are, their bytes and their size."""

import io
import tracemalloc
import zipfile

import pytest

from embassy.datasets.validation import Check
from embassy.datasets.validation.limits import MAX_FIELD_CHARACTERS, MAX_LINE_BYTES
from tests.unit.datasets.checking import check, jsonl, problem_of, problems_of

CSV = b"input,expected_output\nq,a\n"
JSONL = b'{"prompt": "q", "completion": "a"}\n'


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (CSV, "data.csv", "csv"),
        (CSV, "data", "csv"),
        (CSV, "data.txt", "csv"),
        (JSONL, "data.jsonl", "jsonl"),
        (JSONL, "data", "jsonl"),
        (JSONL, "data.csv", "jsonl"),  # the content decides
        (b"\n\n" + JSONL, "", "jsonl"),
    ],
)
def test_the_format_is_found(content: bytes, name: str, expected: str) -> None:
    checked, rows = check(content, name)
    assert (checked.format, len(rows), checked.report.count) == (expected, 1, 0)


@pytest.mark.parametrize("content", [b"", b"\n \r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_an_empty_file(content: bytes) -> None:
    assert problem_of(content).code == "empty_file"


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (zipped("train.csv"), "a zip archive"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook"),
        (b"PAR1\x15\x04" + bytes(100), "a Parquet file"),
        (b"ARROW1\0\0" + bytes(100), "an Arrow file"),
        (b"\x1f\x8b\x08" + bytes(100), "a gzip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "an old Excel"),
        (b"%PDF-1.7\n", "a PDF file"),
        (b"<!DOCTYPE html><html>", "a web page"),
    ],
)
def test_other_files_are_called_by_their_name(content: bytes, says: str) -> None:
    problem = problem_of(content, "train.csv")
    assert problem.code == "wrong_file_type"
    assert says in problem.sentence


def test_a_json_list_is_told_from_json_lines() -> None:
    assert problem_of(b'[{"prompt": "q", "completion": "a"}]', "data.json").code == "json_array"


def test_utf16_is_named() -> None:
    problem = problem_of(CSV.decode().encode("utf-16"), "data.csv")
    assert problem.code == "not_utf8"
    assert "UTF-16" in problem.sentence


def test_bytes_that_are_not_utf8_are_placed() -> None:
    problem = problem_of(b"input,expected_output\nq,a\ncaf\xe9,a\n")
    assert (problem.code, problem.line, problem.offset, problem.seen) == ("not_utf8", 3, 29, "0xe9")


def test_the_byte_order_mark_counts_in_the_offset() -> None:
    problem = problem_of(b"\xef\xbb\xbf" + JSONL + b'{"prompt": "\xff", "completion": "a"}')
    assert problem.offset == 3 + len(JSONL) + 12


def test_nul_bytes_are_placed() -> None:
    problem = problems_of(b"input,expected_output\nq\0,a\n")[0]
    assert (problem.code, problem.line, problem.offset) == ("nul_byte", 2, 23)


def test_a_line_that_is_too_long_is_skipped() -> None:
    long = jsonl({"prompt": "x" * MAX_LINE_BYTES, "completion": "a"})
    checked, rows = check(JSONL + long + JSONL + long * 3 + JSONL)
    assert [row["line"] for row in rows] == [1, 3, 7]
    assert [(p.code, p.line) for p in checked.report.problems] == [("line_too_long", n) for n in (2, 4, 5, 6)]
    assert f"has {len(long)} bytes" in checked.report.sentence


def test_a_field_that_is_too_long() -> None:
    text = "x" * (MAX_FIELD_CHARACTERS + 1)
    problem = problem_of(jsonl({"prompt": "q", "completion": text}))
    assert (problem.code, problem.field, problem.line) == ("field_too_long", "completion", 1)
    assert problem_of(f"input,expected_output\nq,{text}\n").code == "field_too_long"


class Endless(io.RawIOBase):
    """A file of many equal rows that is never in memory as a whole."""

    def __init__(self, line: bytes, count: int) -> None:
        self._line = line
        self._count = self._left = count

    def readline(self, size: int | None = -1) -> bytes:
        self._left -= 1
        return self._line if self._left >= 0 else b""

    def read(self, size: int = -1) -> bytes:
        return self._line

    def seek(self, offset: int, whence: int = 0) -> int:
        self._left = self._count
        return 0


def test_memory_does_not_grow_with_the_file() -> None:
    line = jsonl({"prompt": "q" * 5_000, "completion": "a" * 5_000})
    check = Check(Endless(line, 20_000), "big.jsonl")  # type: ignore[arg-type]  # 200 MB
    tracemalloc.start()
    count = sum(1 for _ in check.rows())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 2_000_000
