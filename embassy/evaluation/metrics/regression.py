"""Metrics of predicted numbers."""

import math
from collections.abc import Sequence

from embassy.evaluation.functions import Row
from embassy.evaluation.metrics.report import Report
from embassy.evaluation.metrics.rounding import rounded

NO_NUMBER = "no_number"


def report(rows: Sequence[Row]) -> Report:
    """Errors in the unit of the expected numbers, and correlations; those need two different numbers.

    An answer that is no number is left out here, and its share is told: `unreadable`.
    """
    pairs = [pair for row in rows if (pair := _pair(row)) is not None]
    left_out = len(rows) - len(pairs)
    reasons = {NO_NUMBER: left_out} if left_out else {}
    if not pairs:
        return Report(rows=0, values={"unreadable": 1.0} if rows else {}, left_out=reasons)
    values = {"unreadable": left_out / len(rows), **_errors(pairs), **_correlations(pairs)}
    return Report(rows=len(pairs), values=rounded(values), left_out=reasons)


def _pair(row: Row) -> tuple[float, float] | None:
    try:
        pair = float(row.expected_output), float(row.predicted_output)
    except ValueError:
        return None
    return pair if all(map(math.isfinite, pair)) else None


def _errors(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    import numpy as np

    expected, predicted = np.asarray(pairs).T
    errors = predicted - expected
    spread = float(((expected - expected.mean()) ** 2).sum())
    values = {
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt((errors**2).mean())),
        "median_error": float(np.median(np.abs(errors))),
        "bias": float(errors.mean()),
    }
    if spread > 0:
        values["r2"] = 1 - float((errors**2).sum()) / spread
    return values


def _correlations(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    from scipy import stats

    expected, predicted = zip(*pairs, strict=True)
    if len(set(expected)) < 2 or len(set(predicted)) < 2:
        return {}
    return {
        "pearson": float(stats.pearsonr(expected, predicted).statistic),
        "spearman": float(stats.spearmanr(expected, predicted).statistic),
    }
