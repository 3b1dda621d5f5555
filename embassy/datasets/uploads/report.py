"""The report on a refused file: in short for its row, whole as an object of JSON lines, for people as CSV."""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import orjson

from embassy.datasets.models import Upload
from embassy.datasets.validation import Problem, Report
from embassy.platform.csv_lines import csv_lines
from embassy.platform.errors import NotFound
from embassy.platform.storage import get_storage

MOST_WRITTEN = 100_000
COLUMNS = ("line", "column", "field", "code", "wrong", "seen", "wanted", "offset")


class ReportFile:
    """Takes problems as they are found, up to MOST_WRITTEN."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.count = 0

    def add(self, problem: Problem) -> None:
        if self.count < MOST_WRITTEN:
            self.count += 1
            self._file.write(orjson.dumps(problem.as_dict()) + b"\n")


def summary(report: Report, written: int) -> dict[str, Any]:
    return {
        "count": report.count,
        "by_code": dict(report.by_code.most_common()),
        "problems": report.as_list(),
        "written": written,
    }


def report_lines(upload: Upload) -> Iterator[bytes]:
    """Every problem that was written down, a JSON line each. Raises NotFound where there is no report."""
    if not upload.report_key:
        raise NotFound("There is no report on this file.")
    return iter_lines(get_storage().open(upload.report_key))


def iter_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The stream is closed after its last line."""
    with stream:
        yield from stream


def as_csv(lines: Iterable[bytes]) -> Iterator[str]:
    """CSV of a report's JSON lines, a piece at a time. No cell is a formula."""
    yield csv_lines([COLUMNS])
    for line in lines:
        problem = orjson.loads(line)
        yield csv_lines([[problem.get(name) for name in COLUMNS]])
