"""A table of usage as CSV, one step of time after the other, so that none is ever in memory as a whole."""

import csv
import io
from collections.abc import AsyncIterator, Hashable, Iterable
from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings

from embassy.console.usage.figures import NAMES, Figures, has_prices
from embassy.console.usage.names import Name, names_of
from embassy.console.usage.period import Period
from embassy.console.usage.tally import Scope, by_dimension

# A spreadsheet takes a cell that begins so for a formula and runs it.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(cell: Any) -> Any:
    """Text that no spreadsheet takes for a formula; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def csv_lines(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


async def export(scope: Scope, dimension: str, period: Period) -> AsyncIterator[bytes]:
    known: dict[Hashable, Name] = {}
    yield csv_lines([_head(dimension, period)])
    for begin in period.steps():
        yield await sync_to_async(_part)(scope, dimension, begin, period, known)


def _head(dimension: str, period: Period) -> list[str]:
    cost = [f"cost_{settings.CURRENCY.lower()}"] if has_prices() else []
    return [f"{period.unit}_utc", dimension, "detail", *NAMES, *cost]


def _part(
    scope: Scope, dimension: str, begin: datetime, period: Period, known: dict[Hashable, Name]
) -> bytes:
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
