"""A total as it is shown: sums, and percentiles of its times."""

from collections.abc import Mapping
from typing import Any

from embassy.inference.histogram import percentile
from embassy.inference.spending import Total

PERCENTS = (50, 90, 95, 99)


def figures(total: Total) -> dict[str, Any]:
    return {
        "requests": total.requests,
        "errors": total.errors,
        "prompt_tokens": total.prompt_tokens,
        "completion_tokens": total.completion_tokens,
        "total_tokens": total.prompt_tokens + total.completion_tokens,
        "milliseconds": round(total.milliseconds),
        "engine_seconds": round(total.engine_milliseconds / 1000, 3),
        "latency_ms": percentiles(total.whole),
        "first_token_ms": percentiles(total.first_token),
    }


def percentiles(counts: Mapping[int, int]) -> dict[str, float | None]:
    """`p50`, `p90`, `p95` and `p99` in milliseconds, each None where nothing was timed; and of how many."""
    found = {f"p{percent}": percentile(counts, percent) for percent in PERCENTS}
    rounded = {name: None if value is None else round(value, 1) for name, value in found.items()}
    return rounded | {"count": sum(counts.values())}
