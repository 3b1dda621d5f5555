"""What a dry run scored, row by row."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from embassy.console.templatetags.console import milliseconds
from embassy.evaluation.dry_run import DryRun
from embassy.evaluation.functions import Row, Score

_LINE = re.compile(r"\(line (\d+)\)$")


@dataclass(frozen=True)
class Scored:
    """`line` is that of the source from which an error came, if one is known."""

    value: float | None
    reason: str
    output: str
    milliseconds: str
    line: int | None


def scored_rows(rows: Sequence[Row], report: DryRun) -> list[tuple[Row, Scored]]:
    return [(row, _scored(score)) for row, score in zip(rows, report.scores, strict=True)]


def _scored(score: Score) -> Scored:
    place = _LINE.search(score.reason)
    return Scored(
        score.value, score.reason, score.output, _time(score.seconds), int(place[1]) if place else None
    )


def _time(seconds: float) -> str:
    """A dash where it was not taken: of built-in functions, and of rows that were not tried."""
    if not seconds:
        return "–"
    return milliseconds(1000 * seconds) if seconds >= 0.001 else "under 1 ms"
