"""Rows of two texts and how alike they are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from embassy.training.examples.rows import Row, invalid


@dataclass(frozen=True, slots=True)
class Pair:
    """`full_length` is that of the longer text, in tokens; `kept` what is read of it."""

    line: int
    first: str
    second: str
    score: float
    full_length: int
    kept: int
    problem: str | None

    @property
    def truncated(self) -> bool:
        return self.full_length > self.kept

    @property
    def size(self) -> int:
        return 2 * self.kept

    @property
    def learned(self) -> int:
        return 0


@dataclass(frozen=True)
class Scale:
    """Scores as the losses want them, from 0 (nothing in common) or -1 (opposite) to 1 (the same)."""

    low: float
    high: float

    @classmethod
    def of(cls, scores: Sequence[float]) -> Scale:
        """Scores within -1 to 1 stay; others, such as 0 to 5, are spread over 0 to 1."""
        low, high = min(scores, default=0.0), max(scores, default=1.0)
        return cls(0.0, 1.0) if low >= -1 and high <= 1 else cls(min(low, 0.0), high)

    def apply(self, score: float) -> float:
        return (score - self.low) / (self.high - self.low)

    @property
    def is_identity(self) -> bool:
        return (self.low, self.high) == (0.0, 1.0)


def read_pairs(tokenizer: Any, rows: Iterable[Row], max_length: int) -> Iterator[Pair]:
    """Pairs in the rows' order. Raises Unusable for a row that is none."""
    for row in rows:
        first, second, score = row.get("text1"), row.get("text2"), row.get("score")
        if not isinstance(first, str) or not isinstance(second, str) or not _is_number(score):
            raise invalid(row["line"], "needs text1, text2 and a score")
        longest = max(map(len, tokenizer([first, second])["input_ids"]))
        problem = None if first.strip() and second.strip() else "empty_text"
        kept = min(longest, max_length)
        yield Pair(row["line"], first, second, float(score), longest, kept, problem)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
