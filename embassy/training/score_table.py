"""The scores and metrics of a job's checkpoints side by side, each with its distance from the base model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embassy.evaluation import registry
from embassy.evaluation.metrics import direction
from embassy.training.models import Checkpoint, TestResult, TrainingJob
from embassy.training.models.checkpoint import BASE
from embassy.training.selection import Selection

DIGITS = 4


@dataclass(frozen=True)
class Column:
    """A test function or a metric. `higher_is_better` is None where neither way is."""

    name: str
    higher_is_better: bool | None
    selects: bool = False


@dataclass(frozen=True)
class Figure:
    """`change` is the value less the base model's, `is_better` whether that is an improvement.

    `is_best`: no checkpoint has a better one. `failures` are the rows to which the function gave no score.
    """

    value: float | None
    change: float | None
    is_better: bool | None
    is_best: bool
    failures: int = 0


@dataclass(frozen=True)
class Line:
    """The base model (number 0), or a checkpoint: stored, tested, or both."""

    number: int
    checkpoint: Checkpoint | None
    result: TestResult | None
    scores: tuple[Figure, ...]
    metrics: tuple[Figure, ...]

    @property
    def is_best(self) -> bool:
        return self.checkpoint is not None and self.checkpoint.best

    @property
    def is_removed(self) -> bool:
        return self.checkpoint is None and self.number != BASE


@dataclass(frozen=True)
class ScoreTable:
    functions: tuple[Column, ...]
    metrics: tuple[Column, ...]
    lines: tuple[Line, ...]


def table_of(job: TrainingJob) -> ScoreTable:
    checkpoints = {checkpoint.number: checkpoint for checkpoint in job.checkpoints.all()}
    results = {result.number: result for result in job.test_results.all()}
    functions = _functions(job)
    metrics = tuple(
        Column(name, direction.higher_is_better(name))
        for name in sorted(
            {name for result in results.values() for name in _values(result)}, key=direction.place
        )
    )
    numbers = sorted(checkpoints.keys() | results.keys())
    scores = _figures(functions, {number: result.scores for number, result in results.items()})
    values = _figures(metrics, {number: _values(result) for number, result in results.items()})
    lines = (
        Line(
            number,
            checkpoints.get(number),
            results.get(number),
            _with_failures(scores[number], functions, results[number]) if number in results else (),
            values.get(number, ()),
        )
        for number in numbers
    )
    return ScoreTable(functions, metrics, tuple(lines))


def _functions(job: TrainingJob) -> tuple[Column, ...]:
    selection = Selection.of(job.spec)
    return tuple(
        Column(name, selection.higher_is_better, selects=True)
        if selection and name == selection.test_function
        else Column(name, registry.higher_is_better(name))
        for name in job.test_functions
    )


def _values(result: TestResult) -> Mapping[str, float]:
    values: Mapping[str, float] = result.metrics.get("values") or {}
    return values


def _figures(
    columns: Sequence[Column], values: Mapping[int, Mapping[str, Any]]
) -> dict[int, tuple[Figure, ...]]:
    base = values.get(BASE, {})
    best = {column.name: _best(column, values) for column in columns}
    return {
        number: tuple(
            _figure(
                column, own.get(column.name), base.get(column.name) if number else None, best[column.name]
            )
            for column in columns
        )
        for number, own in values.items()
    }


def _best(column: Column, values: Mapping[int, Mapping[str, Any]]) -> float | None:
    if column.higher_is_better is None:
        return None
    known = [
        own[column.name] for number, own in values.items() if number and own.get(column.name) is not None
    ]
    choose = max if column.higher_is_better else min
    return choose(known, default=None)


def _figure(column: Column, value: float | None, base: float | None, best: float | None) -> Figure:
    change = None if value is None or base is None else round(value - base, DIGITS)
    is_better = (
        (change > 0) is column.higher_is_better if change and column.higher_is_better is not None else None
    )
    return Figure(value, change, is_better, is_best=value is not None and value == best)


def _with_failures(
    figures: Sequence[Figure], functions: Sequence[Column], result: TestResult
) -> tuple[Figure, ...]:
    return tuple(
        Figure(
            figure.value, figure.change, figure.is_better, figure.is_best, result.failures.get(column.name, 0)
        )
        for figure, column in zip(figures, functions, strict=True)
    )
