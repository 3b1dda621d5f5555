"""Tested rows as a table shows them, with the base model's answers beside."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from embassy.console.presenters.difference import Part, difference
from embassy.training.tested_rows import Measure, Pair

GOOD, BAD = 0.999, 0.5  # scores from, and below, which a row is marked


@dataclass(frozen=True)
class TestedRow:
    line: int
    input_text: str
    expected: str
    answer: str
    base_answer: str | None
    scores: tuple[tuple[str, float | None, str], ...]
    mark: str
    difference: list[Part]


@dataclass(frozen=True)
class ComparedRow:
    """What two checkpoints made of the same question; `mark` says how it went with the second."""

    line: int
    input_text: str
    expected: str
    before: str
    after: str
    before_score: float | None
    after_score: float | None
    mark: str


def tested_rows(
    rows: Iterable[Mapping[str, Any]], base_answers: Mapping[int, str], measure: Measure | None
) -> list[TestedRow]:
    return [_tested_row(row, base_answers.get(row["line"]), measure) for row in rows]


def compared_rows(pairs: Iterable[Pair], measure: Measure) -> list[ComparedRow]:
    return [
        ComparedRow(
            line=pair.before["line"],
            input_text=str(pair.before["input_text"]),
            expected=str(pair.before["expected_output"]),
            before=str(pair.before["predicted_output"]),
            after=str(pair.after["predicted_output"]),
            before_score=measure.score(pair.before),
            after_score=measure.score(pair.after),
            mark={"better": "good", "worse": "bad"}.get(pair.verdict, ""),
        )
        for pair in pairs
    ]


def _tested_row(row: Mapping[str, Any], base_answer: str | None, measure: Measure | None) -> TestedRow:
    scores, reasons = row.get("scores") or {}, row.get("reasons") or {}
    return TestedRow(
        line=row["line"],
        input_text=str(row["input_text"]),
        expected=str(row["expected_output"]),
        answer=str(row["predicted_output"]),
        base_answer=base_answer,
        scores=tuple((name, value, reasons.get(name, "")) for name, value in scores.items()),
        mark=_mark(measure, row),
        difference=difference(str(row["expected_output"]), str(row["predicted_output"])),
    )


def _mark(measure: Measure | None, row: Mapping[str, Any]) -> str:
    """Nobody knows which error is a large one: where less is better only a missing score is marked."""
    value = None if measure is None else measure.score(row)
    if measure is None or value is None:
        return "" if measure is None else "bad"
    if not measure.higher_is_better:
        return "good" if value == 0 else ""
    return "good" if value >= GOOD else "bad" if value < BAD else ""
