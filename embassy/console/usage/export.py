"""A table of usage as CSV, one step of time after the other, so that none is ever in memory as a whole."""

from collections.abc import AsyncIterator, Hashable
from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings

from embassy.console.usage.figures import NAMES, Figures, has_prices
from embassy.console.usage.names import Name, names_of
from embassy.console.usage.period import Period
from embassy.console.usage.tally import Scope, by_dimension
from embassy.platform.csv_lines import csv_lines


async def export(scope: Scope, dimension: str, period: Period) -> AsyncIterator[str]:
    known: dict[Hashable, Name] = {}
    yield csv_lines([_head(dimension, period)])
    for begin in period.steps():
        yield await sync_to_async(_part)(scope, dimension, begin, period, known)


def _head(dimension: str, period: Period) -> list[str]:
    cost = [f"cost_{settings.CURRENCY.lower()}"] if has_prices() else []
    return [f"{period.unit}_utc", dimension, "detail", *NAMES, *cost]


def _part(scope: Scope, dimension: str, begin: datetime, period: Period, known: dict[Hashable, Name]) -> str:
    lines = by_dimension(scope, dimension, begin, begin + period.step)
    known |= names_of(scope.actor, dimension, lines.keys() - known.keys())
    time = begin.strftime("%Y-%m-%d %H:%M" if period.unit == "hour" else "%Y-%m-%d")
    ordered = sorted(lines.items(), key=lambda line: known[line[0]].title)
    return csv_lines(
        [time, known[group].title, known[group].detail, *_cells(figures)] for group, figures in ordered
    )


def _cells(figures: Figures) -> list[Any]:
    values = [round(getattr(figures, name), 3) for name in NAMES]
    return values if figures.cost is None else [*values, round(figures.cost, 4)]
