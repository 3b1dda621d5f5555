"""A distribution as bars of a drawing, placed by attributes: the content policy allows no styles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 480, 120
GAP = 2


@dataclass(frozen=True)
class Bar:
    """Coordinates in the drawing, from its upper left; `title` says what it stands for."""

    x: float
    y: float
    width: float
    height: float
    title: str
    beyond: bool


@dataclass(frozen=True)
class Histogram:
    bars: tuple[Bar, ...]
    figures: tuple[tuple[str, str], ...]
    last: int  # where the last of the equal bars ends
    title: str
    width: int = WIDTH
    height: int = HEIGHT


def histogram(distribution: Mapping[str, Any], unit: str) -> Histogram | None:
    """None where there is nothing to draw. What is longer than all bars gets one of its own."""
    counts = list(distribution.get("bars", []))
    if not counts:
        return None
    last_used = max((index for index, count in enumerate(counts) if count), default=0)
    counts = counts[: last_used + 1]
    step, start = distribution["width"], distribution["start"]
    titles = [
        f"{start + index * step:,}–{start + (index + 1) * step - 1:,} {unit}: {count:,} rows"
        for index, count in enumerate(counts)
    ]
    if distribution["longer"]:
        titles.append(f"more than {start + len(counts) * step - 1:,} {unit}: {distribution['longer']:,} rows")
        counts.append(distribution["longer"])
    highest, room = max(counts) or 1, WIDTH / len(counts)
    bars = tuple(
        _bar(index, room, count / highest, title, beyond=index > last_used)
        for index, (count, title) in enumerate(zip(counts, titles, strict=True))
    )
    return Histogram(bars, _figures(distribution), start + (last_used + 1) * step, unit)


def _bar(index: int, room: float, share: float, title: str, *, beyond: bool) -> Bar:
    height = max(1.5, share * HEIGHT) if share else 0.0
    return Bar(
        round(index * room, 2),
        round(HEIGHT - height, 2),
        round(max(1.0, room - GAP), 2),
        round(height, 2),
        title,
        beyond,
    )


def _figures(distribution: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    names = {"min": "Shortest", "p50": "Half below", "mean": "Mean", "p90": "90 % below", "max": "Longest"}
    return tuple((title, f"{distribution[name]:,}") for name, title in names.items())
