"""CSV or JSON lines? Decided by the content; the name of the file only helps. And what else it may be."""

from typing import Literal

from embassy.datasets.validation.report import Problem

FileType = Literal["csv", "jsonl"]

HEAD_BYTES = 64 * 1024
JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
WANTED = (
    "Upload a CSV file with the columns input and expected_output, or a file of JSON lines, as UTF-8 text."
)

# How files begin that people upload by mistake. The first match counts.
SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file"),
    (b"%PDF-", "a PDF file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"<!DOCTYPE html", "a web page"),
    (b"<html", "a web page"),
)
OFFICE_PARTS = (b"[Content_Types].xml", b"xl/", b"word/")
UTF16 = (b"\xff\xfe", b"\xfe\xff")


def file_type(head: bytes, file_name: str) -> FileType | Problem:
    """`head` are the first HEAD_BYTES of the file."""
    if problem := _wrong_type(head):
        return problem
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text and len(head) < HEAD_BYTES:
        return Problem("empty_file", "the file is empty", WANTED)
    if text.startswith(b"["):
        return Problem(
            "json_array",
            "the file is one JSON list",
            "Write its objects one to a line, without brackets and commas around them.",
            line=1,
        )
    if text.startswith(b"{") or file_name.lower().endswith(JSON_ENDINGS):
        return "jsonl"
    return "csv"


def _wrong_type(head: bytes) -> Problem | None:
    if head.startswith(b"PK\x03\x04"):
        office = any(part in head for part in OFFICE_PARTS)
        return _not_text("an Excel workbook or another Office file" if office else "a zip archive")
    for signature, name in SIGNATURES:
        if head.startswith(signature):
            return _not_text(name)
    if head.startswith(UTF16):
        return Problem(
            "not_utf8", "the file is UTF-16 text", "Save it as UTF-8 and upload it again.", line=1, offset=0
        )
    return None


def _not_text(name: str) -> Problem:
    return Problem("wrong_file_type", f"this is {name}, not a dataset", WANTED)
