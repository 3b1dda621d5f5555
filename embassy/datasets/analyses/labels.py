"""Answers as labels, where they are so few that they may be some. Pure."""

from collections import Counter
from typing import Any

MOST_LABELS = 200
MOST_CHARACTERS = 100


class Labels:
    """Counts answers until there are too many different ones, or one is too long to be a label."""

    def __init__(self) -> None:
        self._counts: Counter[str] | None = Counter()

    def add(self, answer: str) -> None:
        if self._counts is None:
            return
        self._counts[answer.strip()] += 1
        if len(answer) > MOST_CHARACTERS or len(self._counts) > MOST_LABELS:
            self._counts = None

    def result(self, rows: int) -> list[list[Any]] | None:
        """Labels with their rows, the most frequent first. None where answers are rather texts."""
        if not self._counts or len(self._counts) * 2 > rows:
            return None
        return [list(pair) for pair in self._counts.most_common()]
