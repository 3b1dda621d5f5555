"""The scores and metrics of a job's checkpoints side by side, each with its distance from the base model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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

    `is_best`: no checkpoint has a better one, and some have a worse one. `failures` are the rows to which the
    function gave no score.
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
    figures = {column.name: _of_column(column, values) for column in columns}
    return {number: tuple(figures[column.name][number] for column in columns) for number in values}


def _of_column(column: Column, values: Mapping[int, Mapping[str, Any]]) -> dict[int, Figure]:
    known = {number: own.get(column.name) for number, own in values.items()}
    best = _best(column, [value for number, value in known.items() if number != BASE and value is not None])
    return {
        number: _figure(column, value, known.get(BASE), best)
        if number != BASE
        else Figure(value, change=None, is_better=None, is_best=False)
        for number, value in known.items()
    }


def _best(column: Column, values: Sequence[float]) -> float | None:
    """None where all are alike."""
    if column.higher_is_better is None or (len(values) > 1 and len(set(values)) == 1):
        return None
    return (max if column.higher_is_better else min)(values, default=None)


def _figure(column: Column, value: float | None, base: float | None, best: float | None) -> Figure:
    change = None if value is None or base is None else round(value - base, DIGITS)
    known = change and column.higher_is_better is not None
    is_better = (change > 0) is column.higher_is_better if known and change is not None else None
    return Figure(value, change, is_better, is_best=value is not None and value == best)


def _with_failures(
    figures: Sequence[Figure], functions: Sequence[Column], result: TestResult
) -> tuple[Figure, ...]:
    return tuple(
        replace(figure, failures=result.failures.get(column.name, 0))
        for figure, column in zip(figures, functions, strict=True)
    )
