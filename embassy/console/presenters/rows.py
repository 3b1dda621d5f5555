"""A canonical row → what a table shows of it."""

from dataclasses import dataclass
from typing import Any

import orjson

LONGEST = 600  # characters of one cell


@dataclass(frozen=True)
class Cell:
    """`role` is whose words they are, or what the text stands for."""

    role: str
    text: str


@dataclass(frozen=True)
class ShownRow:
    line: int
    cells: tuple[Cell, ...]


def shown_row(row: dict[str, Any]) -> ShownRow:
    """Of any kind of data set."""
    cells = [Cell(message["role"], _text(message)) for message in row.get("messages", [])]
    for side in ("chosen", "rejected"):
        cells += [Cell(side, _text(message)) for message in row.get(side, [])]
    cells += [Cell(name, _cut(row[name])) for name in ("text1", "text2", "score") if name in row]
    return ShownRow(row["line"], tuple(cells))


def _text(message: dict[str, Any]) -> str:
    return _cut(message.get("content") or message.get("tool_calls") or "")


def _cut(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
