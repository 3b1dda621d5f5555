"""What every dataset's page tells of its rows: one pass, some 30 bytes of memory for each row."""

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson

from embassy.datasets.analyses.digests import Digests, digest_of, question, repeats, whole
from embassy.datasets.analyses.labels import Labels
from embassy.datasets.analyses.lengths import distribution
from embassy.datasets.models import Analysis
from embassy.datasets.rows import RawRow
from embassy.datasets.work import Watch
from embassy.platform.storage import get_storage

OFFSETS_EVERY = 500
SHOWN = 200
LONG_CHARACTERS = 16_000  # some four thousand tokens
_EACH = 200


class RowFigures:
    """Filled row by row, in order."""

    def __init__(self) -> None:
        self._digests = Digests.empty()
        self._questions: array[int] = array("Q")
        self._lengths: array[int] = array("I")
        self._labels = Labels()
        self._offsets: list[int] = []
        self._empty: list[int] = []
        self._empty_count = 0
        self.position = 0

    @property
    def rows(self) -> int:
        return len(self._lengths)

    def add(self, encoded: bytes) -> None:
        if self.rows % OFFSETS_EVERY == 0:
            self._offsets.append(self.position)
        self.position += len(encoded)
        row: RawRow = orjson.loads(encoded)
        self._digests.add(row["line"], whole(row))
        self._questions.append(digest_of(question(row)))
        self._lengths.append(min(sum(map(len, texts_of(row))), 2**32 - 1))
        self._labels.add(answer_of(row))
        if not answer_of(row).strip():
            self._empty_count += 1
            self._empty += [row["line"]] if len(self._empty) < SHOWN else []

    def result(self) -> dict[str, Any]:
        lengths = np.frombuffer(self._lengths, dtype=np.uint32) if self.rows else np.empty(0, np.uint32)
        equal, alike = repeats(self._digests.exact), repeats(self._digests.near)
        at = np.arange(self.rows)
        is_copy = equal != at
        is_like = (alike != at) & ~is_copy
        asked = repeats(self._questions)
        contradicts = (asked != at) & (equal != equal[asked])
        is_long = lengths > LONG_CHARACTERS
        return {
            "characters": distribution(lengths),
            "labels": self._labels.result(self.rows),
            "duplicates": self._pairs(is_copy, equal),
            "near_duplicates": self._pairs(is_like, alike),
            "contradictions": self._pairs(contradicts, asked),
            "long": {"count": int(is_long.sum()), "lines": self._lines(np.nonzero(is_long)[0])},
            "empty": {"count": self._empty_count, "lines": self._empty},
            "offsets": self._offsets,
            "offsets_every": OFFSETS_EVERY,
        }

    def _pairs(self, found: Any, first: Any) -> dict[str, Any]:
        """How many rows repeat an earlier one, and of some the two lines."""
        places = np.nonzero(found)[0]
        return {
            "count": len(places),
            "lines": [
                [self._digests.lines[place], self._digests.lines[int(first[place])]]
                for place in places[:SHOWN].tolist()
            ],
        }

    def _lines(self, places: Any) -> list[int]:
        return [self._digests.lines[place] for place in places[:SHOWN].tolist()]


def figures_of_rows(analysis: Analysis, watch: Watch) -> dict[str, Any]:
    figures = RowFigures()
    with get_storage().open(analysis.dataset.rows_key) as lines:
        for line in lines:
            figures.add(line)
            if figures.rows % _EACH == 0:
                watch.progress(done_bytes=figures.position, done_rows=figures.rows)
    return figures.result()


def texts_of(row: RawRow) -> Iterable[str]:
    for value in row.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (part["content"] for part in value if isinstance(part.get("content"), str))


def answer_of(row: RawRow) -> str:
    """What is to be learned of a row, as a text; of two answers the better one."""
    if "score" in row:
        return f"{row['score']:g}"
    messages = row["chosen"] if "chosen" in row else row["messages"]
    answers = [message for message in messages if message["role"] == "assistant"]
    answer = answers[-1] if answers else {}
    return str(answer.get("content") or ("(calls)" if answer.get("tool_calls") else ""))
