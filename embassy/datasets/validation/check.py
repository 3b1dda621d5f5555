"""The whole check: a file in, canonical rows out, the report and the counts filled on the way."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import orjson

from embassy.datasets.validation.counts import Counts
from embassy.datasets.validation.csv_rows import csv_rows
from embassy.datasets.validation.fields import BadRow
from embassy.datasets.validation.file_type import HEAD_BYTES, WANTED, FileType, file_type
from embassy.datasets.validation.jsonl_rows import jsonl_rows, too_deep
from embassy.datasets.validation.lines import read_lines
from embassy.datasets.validation.report import Problem, Report, shown
from embassy.datasets.validation.shapes import Kind, Shape, shape_of


class Check:
    """Good for one pass over `stream`. Read `rows()` to their end first.

    `head` are the first HEAD_BYTES of a stream that cannot seek. `format` and `kind` are None as long as
    they are not known.
    """

    def __init__(
        self, stream: BinaryIO, file_name: str, *, head: bytes | None = None, report: Report | None = None
    ) -> None:
        self.report = report or Report()
        self.counts = Counts()
        self.format: FileType | None = None
        self.kind: Kind | None = None
        self._stream = stream
        self._file_name = file_name
        self._head = head

    def rows(self) -> Iterator[bytes]:
        """Canonical rows, one JSON line each. They are of no use once the report has a problem."""
        for line, values in self._records():
            row = self._row(line, values)
            if isinstance(row, Problem):
                self.report.add(row)
            else:
                yield row
        if not self.counts.rows and not self.report.count:
            self.report.add(Problem("no_rows", "the file has no rows", WANTED))

    def _records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        found = file_type(self._beginning() if self._head is None else self._head, self._file_name)
        if isinstance(found, Problem):
            self.report.add(found)
            return iter(())
        self.format = found
        lines = read_lines(self._stream, self.report)
        if found == "csv":
            return csv_rows((text for _, text in lines), self.report)
        return jsonl_rows(lines, self.report)

    def _beginning(self) -> bytes:
        self._stream.seek(0)
        head = self._stream.read(HEAD_BYTES)
        self._stream.seek(0)
        return head

    def _row(self, line: int, values: dict[str, Any]) -> bytes | Problem:
        shape = shape_of(values)
        if shape is None:
            return _unknown_shape(line, values)
        try:
            row = shape.read(values)
            encoded = orjson.dumps(row)
        except BadRow as bad:
            return self._placed(bad.problem, line, values)
        except orjson.JSONEncodeError:
            return too_deep(line)
        if problem := self._mixed(line, shape):
            return problem
        self.counts.add(row, encoded, shape.name)
        self.counts.ignore(set(values) - {*shape.required, *shape.optional} - self.counts.ignored_fields)
        return b'{"line":%d,' % line + encoded[1:] + b"\n"

    def _placed(self, problem: Problem, line: int, values: dict[str, Any]) -> Problem:
        """A CSV file's columns are numbered; the fields of an object are not."""
        names = list(values)
        numbered = self.format == "csv" and problem.field in names
        return replace(problem, line=line, column=names.index(problem.field or "") + 1 if numbered else None)

    def _mixed(self, line: int, shape: Shape) -> Problem | None:
        self.kind = self.kind or shape.kind
        if shape.kind == self.kind:
            return None
        wanted = f"The rows before are {self.kind}; put rows of another kind in a dataset of their own."
        return Problem("mixed_kinds", f"this row is one of {shape.kind}", wanted, line)


def _unknown_shape(line: int, values: dict[str, Any]) -> Problem:
    return Problem(
        "unknown_fields",
        "the row has none of the fields of a dataset",
        "Give it prompt and completion, or messages.",
        line,
        seen=shown(", ".join(values)),
    )
