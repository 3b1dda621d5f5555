"""Which checkpoint of a job is the best, and when there is no hope left for a better one. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import isfinite
from typing import Any, Self

from embassy.evaluation.functions import ResolvedFunction
from embassy.platform.errors import InvalidInput

MOST_PATIENCE = 1000

Scores = Mapping[int, float]  # of the tested checkpoints, by number


class Keep(StrEnum):
    ALL = "all"
    BEST = "best"


@dataclass(frozen=True, kw_only=True)
class Selection:
    """`early_stopping_patience`: so many checkpoints without improvement end the training; None: none do.

    A checkpoint improves on those before it if it is better by more than `min_delta`.
    """

    test_function: str
    higher_is_better: bool = True
    early_stopping_patience: int | None = None
    min_delta: float = 0.0
    keep: str = Keep.ALL

    @classmethod
    def of(cls, frozen: Mapping[str, Any]) -> Self | None:
        """What is frozen in a job's spec; None where nothing is scored."""
        if chosen := frozen.get("selection"):
            return cls(**chosen)
        functions = frozen.get("test_functions") or []
        return cls(test_function=functions[0]["name"]) if functions else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON column."""
        return asdict(self)

    def best(self, scores: Scores) -> int | None:
        """The number of the best checkpoint: of equals the earliest. None without scores."""
        return min(scores, key=lambda number: (self._cost(scores[number]), number), default=None)

    def is_exhausted(self, scores: Scores) -> bool:
        """Whether so many checkpoints in a row did not improve that training should stop."""
        if self.early_stopping_patience is None:
            return False
        lowest, waited = float("inf"), 0
        for number in sorted(scores):
            cost = self._cost(scores[number])
            lowest, waited = (cost, 0) if cost < lowest - self.min_delta else (lowest, waited + 1)
            if waited >= self.early_stopping_patience:
                return True
        return False

    def _cost(self, score: float) -> float:
        return -score if self.higher_is_better else score


def checked(
    asked: Mapping[str, Any] | None, functions: Sequence[ResolvedFunction], *, has_rows: bool
) -> Selection | None:
    """What was asked for, completed; None where nothing is scored. Raises InvalidInput."""
    asked = {name: value for name, value in (asked or {}).items() if value is not None}
    if asked and not has_rows:
        raise _wrong("needs test rows. Give test_dataset_id or train_test_split_ratio.")
    if not functions or not has_rows:
        return None
    function = _function(asked.get("test_function"), functions)
    given = asked.get("higher_is_better")
    return Selection(
        test_function=function.name,
        higher_is_better=function.higher_is_better if given is None else bool(given),
        early_stopping_patience=_patience(asked.get("early_stopping_patience")),
        min_delta=_min_delta(asked.get("min_delta", 0.0)),
        keep=_keep(asked.get("keep", Keep.ALL)),
    )


def _function(name: str | None, functions: Sequence[ResolvedFunction]) -> ResolvedFunction:
    if not name:
        return functions[0]
    found = next((function for function in functions if function.name == name), None)
    if found is None:
        names = ", ".join(function.name for function in functions)
        raise _wrong(f"{name} is none of the job's test functions. Choose one of: {names}.", "test_function")
    return found


def _patience(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_PATIENCE:
        raise _wrong(
            f"must be a whole number of checkpoints, 1 to {MOST_PATIENCE}.", "early_stopping_patience"
        )
    return value


def _min_delta(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (isfinite(value) and value >= 0):
        raise _wrong("must be a number, at least 0.", "min_delta")
    return float(value)


def _keep(value: Any) -> str:
    if value not in tuple(Keep):
        raise _wrong("must be all or best.", "keep")
    return str(value)


def _wrong(sentence: str, field: str = "") -> InvalidInput:
    place = f"selection.{field}" if field else "selection"
    return InvalidInput(f"{place}: {sentence}", code="invalid_selection")
