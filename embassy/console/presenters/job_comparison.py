"""Several jobs beside each other: what each scored, and in what they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embassy.console.templatetags.console import compact, duration, metric_title, short_name
from embassy.training.models import TestResult, TrainingJob
from embassy.training.models.checkpoint import BASE
from embassy.training.score_table import Column, Figure, Line, ScoreTable


@dataclass(frozen=True)
class Candidate:
    """A job with the checkpoint that stands for it: the best, or where none is, the last that was tested."""

    job: TrainingJob
    table: ScoreTable
    line: Line | None
    base: Line | None

    @property
    def number(self) -> int | None:
        return self.line.number if self.line else None

    @property
    def result(self) -> TestResult | None:
        return self.line.result if self.line else None


@dataclass(frozen=True)
class Score:
    value: float | None
    change: float | None  # from the base model
    is_better: bool | None
    is_best: bool


@dataclass(frozen=True)
class ScoreRow:
    """A test function or a metric over all jobs. `lower_is_better` is told where that is so."""

    title: str
    scores: tuple[Score, ...]
    lower_is_better: bool


@dataclass(frozen=True)
class FactRow:
    name: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


def candidate_of(job: TrainingJob, table: ScoreTable) -> Candidate:
    tested = [line for line in table.lines if line.result is not None and line.number != BASE]
    best = next((line for line in tested if line.is_best), tested[-1] if tested else None)
    return Candidate(job, table, best, next((line for line in table.lines if line.number == BASE), None))


def score_rows(candidates: Sequence[Candidate]) -> list[ScoreRow]:
    """Those that selected a checkpoint come first, as the jobs name them."""
    functions = _rows(candidates, "functions", "scores", short_name)
    return functions + _rows(candidates, "metrics", "metrics", metric_title)


def fact_rows(candidates: Sequence[Candidate]) -> list[FactRow]:
    """What the jobs were made of, then every parameter; a dash for what one of them has not."""
    facts = [_facts(candidate.job) for candidate in candidates]
    parameters = [candidate.job.parameters for candidate in candidates]
    return _in_rows(facts) + _in_rows(parameters, sort=True)


def _facts(job: TrainingJob) -> dict[str, Any]:
    datasets, start = job.datasets, job.base_fine_tuned_model
    held_out = job.train_test_split_ratio
    test = (
        f"{compact(held_out)} % held out"
        if held_out is not None
        else (datasets.get("test") or {}).get("name")
    )
    return {
        "Base model": f"{job.base_model}, from {start}" if start else job.base_model,
        "Training": f"{job.technique}, {job.task_type}",
        "Data set": datasets["train"]["name"],
        "Training rows": job.train_rows,
        "Test rows": f"{job.test_rows} ({test})" if test else job.test_rows,
        "Test functions": ", ".join(job.test_functions) or "–",
        "Rewards": ", ".join(f"{name} × {compact(weight)}" for name, weight in (job.reward or {}).items())
        or "–",
        "Training time": duration(job.seconds_used) if job.seconds_used else "–",
    }


def _in_rows(tables: Sequence[Mapping[str, Any]], *, sort: bool = False) -> list[FactRow]:
    names = list(dict.fromkeys(name for table in tables for name in table))
    return [
        FactRow(name, tuple(compact(table[name]) if name in table else "–" for table in tables))
        for name in (sorted(names) if sort else names)
    ]


def _rows(candidates: Sequence[Candidate], columns: str, figures: str, title: Any) -> list[ScoreRow]:
    known: dict[str, Column] = {}
    for candidate in candidates:
        for column in getattr(candidate.table, columns):
            known.setdefault(column.name, column)
    return [
        _row(title(name), column, [_figure(candidate, name, columns, figures) for candidate in candidates])
        for name, column in known.items()
    ]


def _figure(candidate: Candidate, name: str, columns: str, figures: str) -> Figure | None:
    if candidate.line is None:
        return None
    names = [column.name for column in getattr(candidate.table, columns)]
    found = dict(zip(names, getattr(candidate.line, figures), strict=False))
    return found.get(name)


def _row(title: str, column: Column, figures: Sequence[Figure | None]) -> ScoreRow:
    values = [figure.value for figure in figures if figure is not None and figure.value is not None]
    best = None
    if column.higher_is_better is not None and len(set(values)) > 1:
        best = max(values) if column.higher_is_better else min(values)
    scores = tuple(
        Score(figure.value, figure.change, figure.is_better, best is not None and figure.value == best)
        if figure is not None
        else Score(None, None, None, False)
        for figure in figures
    )
    return ScoreRow(title, scores, column.higher_is_better is False)
