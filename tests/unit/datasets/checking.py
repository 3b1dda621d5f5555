"""Run the check on bytes."""

from io import BytesIO
from typing import Any

import orjson

from embassy.datasets.validation import Check, Problem

Row = dict[str, Any]


def check(content: bytes, file_name: str = "data") -> tuple[Check, list[Row]]:
    """The check, finished, and the canonical rows."""
    checked = Check(BytesIO(content), file_name)
    return checked, [orjson.loads(row) for row in checked.rows()]


def rows_of(content: bytes | str, file_name: str = "data") -> list[Row]:
    """The rows of a file without problems."""
    data = content.encode() if isinstance(content, str) else content
    checked, rows = check(data, file_name)
    assert checked.report.problems == []
    return rows


def problems_of(content: bytes | str, file_name: str = "data") -> list[Problem]:
    data = content.encode() if isinstance(content, str) else content
    return check(data, file_name)[0].report.problems


def problem_of(content: bytes | str, file_name: str = "data") -> Problem:
    """The only problem of a file."""
    (problem,) = problems_of(content, file_name)
    return problem


def jsonl(*rows: Any) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def exchange(question: str, answer: str) -> list[Row]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
