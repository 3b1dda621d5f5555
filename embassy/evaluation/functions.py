"""What a test function is to those that use it, whoever wrote it."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

Function = Callable[[str, str, str], float]
OnProgress = Callable[[int], None]


@dataclass(frozen=True)
class Row:
    """One answer to judge."""

    input_text: str
    expected_output: str
    predicted_output: str

    @property
    def arguments(self) -> tuple[str, str, str]:
        return self.input_text, self.expected_output, self.predicted_output


@dataclass(frozen=True)
class Score:
    """A value, or None with the reason why the function gave none for this row.

    `seconds` is how long the call took and `output` what it printed, both only known of user functions.
    """

    value: float | None
    reason: str = ""
    seconds: float = 0.0
    output: str = ""


class ResolvedFunction(Protocol):
    """A function with its source, as it was when it was looked up.

    Scores many rows in one call, because the code of a user runs elsewhere and a call there costs.
    """

    @property
    def name(self) -> str: ...
    @property
    def content(self) -> str:
        """Its source."""

    @property
    def dependencies(self) -> Sequence[str]:
        """What must be installed from the package index for it to run."""

    @property
    def task_types(self) -> Sequence[str]:
        """What it makes sense for; empty: for every task."""

    @property
    def is_built_in(self) -> bool: ...
    @property
    def higher_is_better(self) -> bool:
        """False for what counts errors."""

    def score(self, rows: Sequence[Row], on_progress: OnProgress | None = None) -> list[Score]:
        """One score for each row, in order. Never raises for what the function does.

        `on_progress` is told the number of rows so far; what it raises ends the scoring.
        """


@dataclass(frozen=True)
class BuiltIn:
    """One of our own functions: trusted, so it runs here."""

    function: Function
    dependencies: tuple[str, ...] = ()
    task_types: tuple[str, ...] = ()
    higher_is_better: bool = True

    is_built_in = True

    @property
    def name(self) -> str:
        return str(getattr(self.function, "__name__", ""))

    @property
    def content(self) -> str:
        return inspect.getsource(self.function)

    def score(self, rows: Sequence[Row], on_progress: OnProgress | None = None) -> list[Score]:
        scores = []
        for row in rows:
            scores.append(self._score_one(row))
            if on_progress is not None:
                on_progress(len(scores))
        return scores

    def _score_one(self, row: Row) -> Score:
        try:
            value = self.function(*row.arguments)
        except (ValueError, TypeError, ArithmeticError, LookupError, RecursionError) as error:
            return Score(None, f"{type(error).__name__}: {error}")
        return Score(float(value))
