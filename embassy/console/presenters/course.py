"""How a deployment did over a time → the lines of its charts and the figures above them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from embassy.inference.histogram import percentile
from embassy.inference.reports.course import Moment
from embassy.inference.spending import CLIENT_CLOSED, Total

PERCENTS = (50, 95, 99)


def course_of(moments: Mapping[datetime, Moment]) -> dict[str, Any]:
    """Times are UNIX seconds and milliseconds; None where nothing was timed."""
    points = list(moments.values())
    codes = sorted({name for point in points for name in point.outcomes if is_error(name)})
    return {
        "times": [int(time.timestamp()) for time in moments],
        "requests": [point.requests for point in points],
        "errors": {code: [point.outcomes[code] for point in points] for code in codes},
        "latency": _lines([point.whole for point in points]),
        "first_token": _lines([point.first_token for point in points]),
        "tokens": {
            "read": [point.prompt_tokens for point in points],
            "written": [point.completion_tokens for point in points],
        },
        "total": _total(points),
    }


def is_error(name: str) -> bool:
    """By what tallies call the outcome; whoever left before the answer got no error."""
    status = int(name.partition(" ")[0])
    return status >= 400 and status != CLIENT_CLOSED


def _lines(counts: Sequence[Counter[int]]) -> dict[str, list[float | None]]:
    return {f"p{percent}": [_rounded(percentile(one, percent)) for one in counts] for percent in PERCENTS}


def _total(points: Sequence[Moment]) -> dict[str, Any]:
    whole, first, total = Counter[int](), Counter[int](), Total()
    errors = Counter[str]()
    for point in points:
        whole.update(point.whole)
        first.update(point.first_token)
        total.requests += point.requests
        total.prompt_tokens += point.prompt_tokens
        total.completion_tokens += point.completion_tokens
        errors.update({name: count for name, count in point.outcomes.items() if is_error(name)})
    return {
        "requests": total.requests,
        "errors": errors.total(),
        "by_code": [{"code": code, "count": count} for code, count in errors.most_common()],
        "prompt_tokens": total.prompt_tokens,
        "completion_tokens": total.completion_tokens,
        "latency": {f"p{percent}": _rounded(percentile(whole, percent)) for percent in PERCENTS},
        "first_token": {f"p{percent}": _rounded(percentile(first, percent)) for percent in PERCENTS},
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
