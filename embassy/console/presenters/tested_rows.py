"""The test rows of a checkpoint, the worst or the best first, with the base model's answers beside."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

GOOD, BAD = 0.999, 0.5  # mean scores from, and below, which a row is marked


@dataclass(frozen=True)
class TestedRow:
    """`mean` is over the functions that gave this row a score; None if none did."""

    line: int
    input_text: str
    expected: str
    answer: str
    base_answer: str | None
    scores: tuple[tuple[str, float | None, str], ...]
    mean: float | None

    @property
    def mark(self) -> str:
        if self.mean is None:
            return ""
        return "good" if self.mean >= GOOD else "bad" if self.mean < BAD else ""


def tested_rows(
    rows: Iterable[Mapping[str, Any]], base: Iterable[Mapping[str, Any]], *, best_first: bool, count: int
) -> list[TestedRow]:
    answers = {row["line"]: str(row["predicted_output"]) for row in base}
    shown = [_tested_row(row, answers.get(row["line"])) for row in rows]
    # A row without a score is where one should look first.
    shown.sort(key=lambda row: -1.0 if row.mean is None else row.mean, reverse=best_first)
    return shown[:count]


def _tested_row(row: Mapping[str, Any], base_answer: str | None) -> TestedRow:
    scores, reasons = row.get("scores") or {}, row.get("reasons") or {}
    known = [value for value in scores.values() if value is not None]
    return TestedRow(
        line=row["line"],
        input_text=str(row["input_text"]),
        expected=str(row["expected_output"]),
        answer=str(row["predicted_output"]),
        base_answer=base_answer,
        scores=tuple((name, value, reasons.get(name, "")) for name, value in scores.items()),
        mean=sum(known) / len(known) if known else None,
    )
