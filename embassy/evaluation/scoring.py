"""Score answers and sum the scores up. Pure but for what the functions themselves do."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from embassy.evaluation.functions import OnProgress, ResolvedFunction, Row, Score

DIGITS = 4


@dataclass(frozen=True)
class Scored:
    """The scores of one row by function name."""

    row: Row
    scores: dict[str, Score]


def score_rows(
    functions: Sequence[ResolvedFunction], rows: Sequence[Row], on_progress: OnProgress | None = None
) -> list[Scored]:
    """Every row by every function. A function that raises, or gives no number, costs only that row.

    `on_progress` is called often, with the number of scores so far; what it raises ends the scoring.
    """
    columns: dict[str, list[Score]] = {}
    for function in functions:
        columns[function.name] = _column(function, rows, on_progress, done=len(columns) * len(rows))
    return [
        Scored(row, {name: column[index] for name, column in columns.items()})
        for index, row in enumerate(rows)
    ]


def means(scored: Sequence[Scored]) -> dict[str, float]:
    """The mean of each function over all rows; a row without a value counts as 0."""
    if not scored:
        return {}
    return {
        name: round(sum(item.scores[name].value or 0.0 for item in scored) / len(scored), DIGITS)
        for name in scored[0].scores
    }


def failures(scored: Sequence[Scored]) -> dict[str, int]:
    """In how many rows each function gave no value; functions that never failed are left out."""
    names = scored[0].scores if scored else {}
    counts = {name: sum(item.scores[name].value is None for item in scored) for name in names}
    return {name: count for name, count in counts.items() if count}


def as_text(scores: dict[str, float]) -> dict[str, str]:
    """`{"exact_match_shared": "0.95"}`: the API writes aggregated scores as text."""
    return {name: str(value) for name, value in scores.items()}


def _column(
    function: ResolvedFunction, rows: Sequence[Row], on_progress: OnProgress | None, *, done: int
) -> list[Score]:
    report = None if on_progress is None else (lambda scored: on_progress(done + scored))
    return [_finite(score) for score in function.score(rows, report)]


def _finite(score: Score) -> Score:
    if score.value is None or math.isfinite(score.value):
        return score
    return Score(None, f"the function returned {score.value}, which is not a number")
