"""Canonical rows as training and testing look at them. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator

from embassy.datasets.rows import RawRow, Row, row_of


def read_rows(lines: Iterable[bytes]) -> Iterator[RawRow]:
    return (json.loads(line) for line in lines if line.strip())


def write_row(row: RawRow) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def example_of(raw: RawRow) -> Row:
    """What is asked in a row, and what should be answered: of two answers the better one.

    Of a pair both texts are asked, as two messages, and the answer is how alike they are.
    """
    if "text1" in raw:
        texts = [{"role": "user", "content": raw[name]} for name in ("text1", "text2")]
        return Row(raw["line"], texts, f"{raw['score']:g}", [])
    if "chosen" in raw:
        return row_of({**raw, "messages": [*raw["messages"], *raw["chosen"]]})
    return row_of(raw)


def prompt_digest(raw: RawRow) -> bytes:
    """Equal for rows that ask the same, so that a question never is in both training and test rows."""
    row = example_of(raw)
    prompt = json.dumps([row.prompt_messages, row.tools], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(prompt.encode()).digest()
