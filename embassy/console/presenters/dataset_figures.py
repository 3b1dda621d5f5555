"""What was found out about a data set, in the shape of its page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from embassy.console.presenters.bars import Histogram, histogram
from embassy.datasets.models import Analysis, AnalysisKind, Dataset
from embassy.datasets.selectors import analyses_of

MOST_LABELS = 30


@dataclass(frozen=True)
class Label:
    name: str
    rows: int
    percent: float


@dataclass(frozen=True)
class Finding:
    """Something about some rows: `lines` are theirs, perhaps each with the line that it is compared to."""

    title: str
    hint: str
    count: int
    lines: tuple[str, ...]
    is_warning: bool = True


@dataclass(frozen=True)
class Rows:
    analysis: Analysis
    characters: Histogram | None
    labels: tuple[Label, ...]
    more_labels: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class TokenLengths:
    analysis: Analysis
    tokens: Histogram | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Leaks:
    analysis: Analysis
    other: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Figures:
    rows: Rows | None
    tokens: tuple[TokenLengths, ...]
    leaks: tuple[Leaks, ...]
    is_moving: bool


def figures_of(dataset: Dataset) -> Figures:
    found = list(analyses_of(dataset))
    rows = next((analysis for analysis in found if analysis.kind == AnalysisKind.ROWS), None)
    leaks = [analysis for analysis in found if analysis.kind == AnalysisKind.LEAKS]
    names = dict(
        Dataset.objects.filter(
            project_id=dataset.project_id, public_id__in=[analysis.subject for analysis in leaks]
        ).values_list("public_id", "name")
    )
    return Figures(
        rows=_rows(rows, dataset) if rows else None,
        tokens=tuple(_tokens(one) for one in found if one.kind == AnalysisKind.TOKENS),
        leaks=tuple(_leaks(one, names.get(one.subject, "a deleted data set")) for one in leaks),
        is_moving=any(analysis.is_active for analysis in found),
    )


def _rows(analysis: Analysis, dataset: Dataset) -> Rows:
    if not analysis.is_done:
        return Rows(analysis, None, (), 0, ())
    result = analysis.result
    labels = result["labels"] or []
    total = max(1, dataset.row_count)
    return Rows(
        analysis,
        histogram(result["characters"], "characters"),
        tuple(Label(name, rows, round(100 * rows / total, 1)) for name, rows in labels[:MOST_LABELS]),
        max(0, len(labels) - MOST_LABELS),
        tuple(_row_findings(result)),
    )


def _row_findings(result: Mapping[str, Any]) -> Iterable[Finding]:
    yield _pairs("Exact duplicates", "They repeat an earlier row.", result["duplicates"])
    hint = "They have the words of an earlier row; only case, punctuation or blanks differ."
    yield _pairs("Near duplicates", hint, result["near_duplicates"])
    hint = "They ask what an earlier row asks, and want another answer."
    yield _pairs("Contradictions", hint, result["contradictions"])
    yield _lines("Empty answers", "There is nothing to learn in them.", result["empty"])
    hint = "With more than 16,000 characters they are probably cut off at the model's length."
    yield _lines("Very long rows", hint, result["long"])


def _tokens(analysis: Analysis) -> TokenLengths:
    if not analysis.is_done:
        return TokenLengths(analysis, None, ())
    result = analysis.result
    cut = Finding(
        "Rows that are cut off", f"They have more than {result['max_length']:,} tokens.", result["cut"], ()
    )
    problems = result["problems"]
    untrainable = Finding(
        "Rows that teach nothing",
        "; ".join(f"{count:,}: {reason}" for reason, count in problems.items()),
        sum(problems.values()),
        tuple(str(line) for line in result["problem_lines"]),
    )
    return TokenLengths(analysis, histogram(result["tokens"], "tokens"), (cut, untrainable))


def _leaks(analysis: Analysis, other: str) -> Leaks:
    if not analysis.is_done:
        return Leaks(analysis, other, ())
    exact = _pairs("Same question", f"A row of {other} asks exactly this.", analysis.result["exact"])
    hint = f"A row of {other} asks it with the same words."
    near = _pairs("Same words", hint, analysis.result["near"])
    return Leaks(analysis, other, (exact, near))


def _pairs(title: str, hint: str, found: Mapping[str, Any]) -> Finding:
    return Finding(title, hint, found["count"], tuple(f"{line} = {first}" for line, first in found["lines"]))


def _lines(title: str, hint: str, found: Mapping[str, Any]) -> Finding:
    return Finding(title, hint, found["count"], tuple(map(str, found["lines"])))
