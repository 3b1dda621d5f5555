"""What is wrong with a file: the first hundred problems in full, all of them counted."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from embassy.datasets.validation.limits import MAX_COLLECTED_PROBLEMS, MAX_SEEN_CHARACTERS


@dataclass(frozen=True)
class Problem:
    """`wrong` says what is wrong, `wanted` what to do. `line` and `column` count from 1.

    `column` is a CSV file's column, or the character of the line where JSON ends to make sense. `field` is
    a path such as `messages[2].role`; `offset` a byte of the file, from 0.
    """

    code: str
    wrong: str
    wanted: str
    line: int | None = None
    column: int | None = None
    field: str | None = None
    seen: str | None = None
    offset: int | None = None

    @property
    def sentence(self) -> str:
        """`Line 3, column 2 (expected_output): it is empty. Give the answer …`"""
        place = ", ".join(f"{name} {number}" for name, number in self._place() if number is not None)
        if self.field:
            place = f"{place} ({self.field})" if place else self.field
        seen = f" (seen: {self.seen})" if self.seen is not None else ""
        wrong = f"{place}: {self.wrong}" if place else self.wrong
        return f"{wrong[0].upper()}{wrong[1:]}{seen}. {self.wanted}"

    def as_dict(self) -> dict[str, Any]:
        """For an API answer: the fields that are known, and the sentence."""
        known = {name: value for name, value in vars(self).items() if value is not None}
        return {**known, "message": self.sentence}

    def _place(self) -> tuple[tuple[str, int | None], ...]:
        return ("line", self.line), ("column", self.column), ("byte", self.offset)


@dataclass
class Report:
    """`each` is told of every problem, also of those that are not kept."""

    problems: list[Problem] = field(default_factory=list)
    count: int = 0
    by_code: Counter[str] = field(default_factory=Counter)
    each: Callable[[Problem], None] | None = None

    def add(self, problem: Problem) -> None:
        self.count += 1
        self.by_code[problem.code] += 1
        if self.each is not None:
            self.each(problem)
        if len(self.problems) < MAX_COLLECTED_PROBLEMS:
            self.problems.append(problem)

    @property
    def sentence(self) -> str:
        """The first problem, and how many there are."""
        first = self.problems[0].sentence
        if self.count == 1:
            return first
        listed = f"; the first {len(self.problems)} are listed" if self.count > len(self.problems) else ""
        return f"{first} There are {self.count} problems in all{listed}."

    def as_list(self) -> list[dict[str, Any]]:
        return [problem.as_dict() for problem in self.problems]


def shown(value: Any) -> str:
    """A value as JSON, shortened."""
    # Cut before encoding: a value may be a megabyte long.
    text = value[: MAX_SEEN_CHARACTERS + 1] if isinstance(value, str) else value
    written = json.dumps(text, ensure_ascii=False, default=str)
    if len(written) <= MAX_SEEN_CHARACTERS + 2:
        return written
    return written[: MAX_SEEN_CHARACTERS - 1] + "…"


def kind_of(value: Any) -> str:
    """What JSON calls it: `a number`, `an object`."""
    names: list[tuple[type, str]] = [
        (bool, "true or false"),
        (int, "a number"),
        (float, "a number"),
        (str, "a string"),
        (list, "a list"),
        (dict, "an object"),
    ]
    return next((name for kind, name in names if isinstance(value, kind)), "null")
