"""Which label was answered with which → a table with shades, and what each label scored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHADES = 9
MOST_LABELS = 25  # a wider table nobody reads


@dataclass(frozen=True)
class Cell:
    """`shade` 0 (none) to 9 is the share of the row's answers."""

    count: int
    shade: int
    is_right: bool


@dataclass(frozen=True)
class Row:
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    labels: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class LabelFigures:
    label: str
    precision: float
    recall: float
    f1: float
    rows: int


def matrix_of(metrics: Mapping[str, Any]) -> Matrix | None:
    """None for a task without labels, or with too many to be looked at."""
    confusion = metrics.get("confusion")
    if not confusion or len(confusion["labels"]) > MOST_LABELS:
        return None
    labels = tuple(confusion["labels"])
    # What is no label is never expected: it has a column, and no row.
    shown = [
        (label, counts) for label, counts in zip(labels, confusion["counts"], strict=True) if sum(counts)
    ]
    return Matrix(labels, tuple(Row(label, _cells(label, labels, counts)) for label, counts in shown))


def figures_of(metrics: Mapping[str, Any]) -> list[LabelFigures]:
    """The worst label first."""
    found = [LabelFigures(label, **figures) for label, figures in (metrics.get("per_label") or {}).items()]
    return sorted(found, key=lambda figures: (figures.f1, figures.label))


def _cells(label: str, labels: tuple[str, ...], counts: list[int]) -> tuple[Cell, ...]:
    total = sum(counts)
    return tuple(
        Cell(count, -(-SHADES * count // total), label == other)
        for other, count in zip(labels, counts, strict=True)
    )


def heat_of(metrics: Mapping[str, Any]) -> dict[str, Any] | None:
    """The matrix for a chart: `cells` are (answer, expected, count, share of the expected label's rows)."""
    confusion = metrics.get("confusion")
    if not confusion:
        return None
    labels, counts = confusion["labels"], confusion["counts"]
    cells = [
        (across, down, count, round(count / total, 4))
        for down, row in enumerate(counts)
        if (total := sum(row))
        for across, count in enumerate(row)
        if count
    ]
    right = sum(count for across, down, count, _ in cells if across == down)
    return {"labels": labels, "cells": cells, "right": right, "total": sum(cell[2] for cell in cells)}
