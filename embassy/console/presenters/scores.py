"""What the test functions gave the base model and each checkpoint, side by side."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embassy.training.models import Checkpoint, TestResult


@dataclass(frozen=True)
class Cell:
    """`gain` is the distance from the base model's score."""

    value: float | None
    gain: float | None
    is_best: bool


@dataclass(frozen=True)
class Line:
    """A checkpoint, or with None the base model itself. `is_tested`: its rows can be looked at."""

    checkpoint: Checkpoint | None
    number: int
    is_tested: bool
    cells: tuple[Cell, ...]


def score_lines(
    functions: Sequence[str], checkpoints: Iterable[Checkpoint], results: Iterable[TestResult]
) -> list[Line]:
    scores = {result.number: result.scores for result in results}
    rows: list[Checkpoint | None] = [*([None] if 0 in scores else []), *checkpoints]
    best = {
        name: max((s[name] for s in scores.values() if _known(s, name)), default=None) for name in functions
    }
    return [_line(row, functions, scores, best) for row in rows]


def _line(
    checkpoint: Checkpoint | None,
    functions: Sequence[str],
    scores: Mapping[int, Mapping[str, Any]],
    best: Mapping[str, float | None],
) -> Line:
    number = checkpoint.number if checkpoint else 0
    own, base = scores.get(number, {}), scores.get(0, {})
    cells = tuple(
        _cell(own.get(name), base.get(name) if checkpoint else None, best[name]) for name in functions
    )
    return Line(checkpoint, number, number in scores, cells)


def _cell(value: float | None, base: float | None, best: float | None) -> Cell:
    gain = value - base if value is not None and base is not None else None
    return Cell(value, gain, value is not None and value == best)


def _known(scores: Mapping[str, Any], name: str) -> bool:
    return scores.get(name) is not None
