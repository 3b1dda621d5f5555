"""Metrics of generated texts."""

from collections.abc import Sequence
from statistics import fmean

from embassy.evaluation.functions import Row
from embassy.evaluation.metrics.report import Report
from embassy.evaluation.metrics.rounding import rounded


def report(rows: Sequence[Row]) -> Report:
    """How many answers are right or empty, how alike and how long beside the expected texts (characters)."""
    from rapidfuzz import fuzz

    if not rows:
        return Report(rows=0, values={})
    answers = [row.predicted_output.strip() for row in rows]
    expected = [row.expected_output.strip() for row in rows]
    values = {
        "accuracy": fmean(a == b for a, b in zip(answers, expected, strict=True)),
        "similarity": fmean(fuzz.ratio(a, b) / 100 for a, b in zip(answers, expected, strict=True)),
        "empty": fmean(not answer for answer in answers),
        "mean_length": fmean(map(len, answers)),
        "mean_expected_length": fmean(map(len, expected)),
        "distinct_answers": len(set(answers)) / len(answers),
    }
    return Report(rows=len(rows), values=rounded(values))
