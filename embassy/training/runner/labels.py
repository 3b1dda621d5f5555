"""Labels: from the text of an answer to what a classification head learns, and how well it does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_WEIGHT = 10.0

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Labels:
    """The known labels in the order of the head's outputs."""

    names: tuple[str, ...]
    multi: bool

    @classmethod
    def of(cls, given: Sequence[str], answers: Iterable[str], multi: bool) -> Labels:
        """Those that the job names, or else all that occur, in alphabetical order."""
        found = {label for answer in answers for label in parse(answer, multi) or ()}
        return cls(tuple(given) or tuple(sorted(found)), multi)

    def problem(self, answer: str) -> str | None:
        found = parse(answer, self.multi)
        return None if found is not None and set(found) <= set(self.names) else "no_label"

    def targets(self, answers: Sequence[str]) -> Array:
        """Class numbers, or one row of zeros and ones for each answer if several labels may hold."""
        index = {name: number for number, name in enumerate(self.names)}
        if not self.multi:
            return np.asarray([index[answer.strip()] for answer in answers], dtype=np.int64)
        targets = np.zeros((len(answers), len(self.names)), dtype=np.float32)
        for row, answer in enumerate(answers):
            targets[row, [index[name] for name, holds in (parse(answer, True) or {}).items() if holds]] = 1
        return targets


def parse(answer: str, multi: bool) -> dict[str, bool] | None:
    """Which labels an answer names and whether each holds; None if it is no answer of that kind.

    With several labels, an answer is JSON: an object of labels with 0 or 1, or a list of those that hold.
    """
    if not multi:
        return {answer.strip(): True} if answer.strip() else None
    try:
        value = json.loads(answer)
    except ValueError:
        return None
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return dict.fromkeys(value, True)
    if isinstance(value, dict) and value and all(holds in (0, 1) for holds in value.values()):
        return {name: bool(holds) for name, holds in value.items()}
    return None


def class_weights(targets: Array, count: int) -> Array:
    """The inverse of each class's frequency, 1 for a class of average size and at most MAX_WEIGHT."""
    frequency = np.bincount(targets, minlength=count)
    weights = len(targets) / (count * np.maximum(frequency, 1))
    limited: Array = np.minimum(weights, MAX_WEIGHT).astype(np.float32)
    return limited


def positive_weights(targets: Array) -> Array:
    """For each label, how many rows lack it for one that has it, at most MAX_WEIGHT."""
    positive = targets.sum(axis=0)
    ratio = (len(targets) - positive) / np.maximum(positive, 1)
    limited: Array = np.clip(ratio, 1, MAX_WEIGHT).astype(np.float32)
    return limited


def scores(predicted: Array, actual: Array, names: Sequence[str]) -> dict[str, float]:
    """Share of rows that are wholly right, F1 of each label and their mean; rows of zeros and ones."""
    per_label = {f"f1/{name}": _f1(predicted[:, i], actual[:, i]) for i, name in enumerate(names)}
    return {
        "accuracy": float((predicted == actual).all(axis=1).mean()),
        "macro_f1": float(np.mean(list(per_label.values()))),
        **per_label,
    }


def one_hot(classes: Array, count: int) -> Array:
    rows: Array = np.eye(count, dtype=bool)[classes]
    return rows


def _f1(predicted: Array, actual: Array) -> float:
    right = float((predicted & actual).sum())
    total = float(predicted.sum() + actual.sum())
    return 2 * right / total if total else 1.0
