"""Canonical rows, as the supervisor writes them: JSON lines, each with its line number in the dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embassy.training.examples.errors import Unusable
from embassy.training.spec import EndCode

Row = dict[str, Any]
Message = dict[str, Any]


def read_rows(path: str | None) -> Iterator[Row]:
    """The rows of a file in order, none without a file. Raises Unusable where it cannot be read."""
    if path is None:
        return
    try:
        with Path(path).open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _parse(line, number)
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(EndCode.INVALID_DATA, f"The data file cannot be read: {error}.") from None


def _parse(line: str, number: int) -> Row:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise invalid(number, f"is not JSON ({error})") from None
    if not isinstance(row, dict):
        raise invalid(number, "is not an object")
    return {"line": number, **row}


def messages(row: Row, key: str = "messages") -> list[Message]:
    """The conversation under `key`. Raises Unusable unless each message has a role and a text."""
    value = row.get(key)
    if not isinstance(value, list) or not value or not all(_is_message(item) for item in value):
        raise invalid(row["line"], f"needs {key}: a list of messages with role and content")
    return value


def invalid(line: int, problem: str) -> Unusable:
    return Unusable(EndCode.INVALID_DATA, f"Row {line} {problem}. Check the dataset and retry.")


def _is_message(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("role"), str)
        and isinstance(value.get("content"), str)
    )
