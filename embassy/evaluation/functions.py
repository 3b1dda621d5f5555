"""What a test function is to those that use it, whoever wrote it."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

Function = Callable[[str, str, str], float]


@dataclass(frozen=True)
class Row:
    """One answer to judge."""

    input_text: str
    expected_output: str
    predicted_output: str


@dataclass(frozen=True)
class Score:
    """A value, or None with the reason why the function gave none for this row."""

    value: float | None
    reason: str = ""


class TestFunction(Protocol):
    """Scores many rows in one call, because the code of a user runs elsewhere and a call there costs."""

    @property
    def name(self) -> str: ...
    @property
    def content(self) -> str:
        """Its source."""

    @property
    def dependencies(self) -> Sequence[str]:
        """What must be installed from the package index for it to run."""

    def score(self, rows: Sequence[Row]) -> list[Score]:
        """One score for each row, in order. Never raises for what the function does."""


@dataclass(frozen=True)
class BuiltIn:
    """One of our own functions: trusted, so it runs here."""

    function: Function
    dependencies: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return str(getattr(self.function, "__name__", ""))

    @property
    def content(self) -> str:
        return inspect.getsource(self.function)

    def score(self, rows: Sequence[Row]) -> list[Score]:
        return [self._score_one(row) for row in rows]

    def _score_one(self, row: Row) -> Score:
        try:
            value = self.function(row.input_text, row.expected_output, row.predicted_output)
        except (ValueError, TypeError, ArithmeticError, LookupError, RecursionError) as error:
            return Score(None, f"{type(error).__name__}: {error}")
        return Score(float(value))
