"""What a job's events tell of its course → columns of numbers, and which of them a chart shows together."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from embassy.training.spec import EventType

MOST_POINTS = 1500  # more than a screen has
OWN = (
    "loss",
    "learning_rate",
    "grad_norm",
    "tokens_per_second",
)  # of a step itself; the rest are its metrics

Event = tuple[int, str, datetime, Mapping[str, Any]]  # id, kind, at, data


@dataclass(frozen=True)
class Line:
    """A column and how it is called. `tests` says that the column is one of the evaluations."""

    column: str
    label: str
    tests: bool = False


@dataclass(frozen=True)
class Chart:
    key: str
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Wanted:
    """A chart that there may be: (pattern of a column, its label; empty: what the pattern's group says)."""

    key: str
    title: str
    steps: tuple[tuple[str, str], ...] = ()
    tests: tuple[tuple[str, str], ...] = ()


CHARTS = (
    Wanted("loss", "Loss", (("loss", "training"),), (("loss", "test rows"),)),
    Wanted("reward", "Reward", (("reward", "mean reward"), (r"rewards/(?!chosen|rejected)(.+)/mean", ""))),
    Wanted(
        "accuracy",
        "Preferred answers",
        (("rewards/accuracies", "preferred, training"),),
        (("rewards/accuracies", "preferred, test rows"), ("preference_accuracy", "likelier, test rows")),
    ),
    Wanted(
        "margin",
        "Margins",
        (
            ("rewards/margins", "margin"),
            ("rewards/chosen", "better answer"),
            ("rewards/rejected", "worse answer"),
        ),
        (("rewards/margins", "margin, test rows"),),
    ),
    Wanted(
        "metrics", "Metrics", (), ((r"(accuracy|f1_macro|f1|mae|rmse|r2|spearman|pearson|.*cosine.*)", ""),)
    ),
    Wanted("learning_rate", "Learning rate", (("learning_rate", "learning rate"),)),
    Wanted("groups", "Groups all alike", (("equal_groups", "groups all alike"),)),
    Wanted("length", "Length of answers", (("completions/mean_length", "mean tokens"),)),
    Wanted("kl", "Distance and entropy", (("kl", "KL"), ("entropy", "entropy"))),
    Wanted("grad_norm", "Gradient", (("grad_norm", "norm of the gradient"),)),
    Wanted("speed", "Speed", (("tokens_per_second", "tokens a second"),)),
)


def curves_of(events: Iterable[Event]) -> dict[str, Any]:
    """Points by step and by seconds of training; a resumed run repeats steps, and the later value stands.

    `last` is the id of the newest event that is in it, to go on from.
    """
    trained: dict[int, Event] = {}
    tested: dict[int, Event] = {}
    last, began = 0, None
    for event in events:
        (trained if event[1] == EventType.STEP else tested)[event[3]["step"]] = event
        last = max(last, event[0])
        began = event[2] if began is None else min(began, event[2])
    steps, tests = _columns(_ordered(trained), began), _columns(_ordered(tested), began)
    return {
        "training": steps,
        "tests": tests,
        "charts": [asdict(chart) for chart in charts_of(steps["columns"], tests["columns"])],
        "began": began.timestamp() if began else None,
        "last": last,
    }


def charts_of(steps: Iterable[str], tests: Iterable[str]) -> list[Chart]:
    """Those for which there is anything to show."""
    steps, tests = list(steps), list(tests)
    charts = (
        Chart(
            wanted.key, wanted.title, (*_lines(wanted.steps, steps), *_lines(wanted.tests, tests, tests=True))
        )
        for wanted in CHARTS
    )
    return [chart for chart in charts if chart.lines]


def thinned(values: Sequence[Any]) -> list[Any]:
    """Every so many, and the last, so that there are not too many to draw."""
    stride = -(-len(values) // MOST_POINTS) or 1
    kept = list(values[::stride])
    return kept if not values or (len(values) - 1) % stride == 0 else [*kept, values[-1]]


def _ordered(events: Mapping[int, Event]) -> list[Event]:
    return thinned([events[step] for step in sorted(events)])


def _columns(events: Sequence[Event], began: datetime | None) -> dict[str, Any]:
    """`steps`, `seconds` and by name the values at these; None where one was not measured."""
    measured = [_measured(event[3]) for event in events]
    names = dict.fromkeys(name for values in measured for name in values)
    return {
        "steps": [event[3]["step"] for event in events],
        "seconds": [round((event[2] - began).total_seconds(), 2) if began else 0.0 for event in events],
        "columns": {name: [values.get(name) for values in measured] for name in names},
    }


def _measured(data: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, Any] = {name: data.get(name) for name in OWN} | dict(data.get("metrics") or {})
    return {name: value for name, value in found.items() if _is_number(value)}


def _lines(
    wanted: Sequence[tuple[str, str]], columns: Sequence[str], *, tests: bool = False
) -> Iterable[Line]:
    for pattern, label in wanted:
        for column in columns:
            if match := re.fullmatch(pattern, column):
                yield Line(column, label or match[1].removesuffix("_shared").replace("_", " "), tests)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
