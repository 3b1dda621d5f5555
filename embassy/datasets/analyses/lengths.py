"""Lengths of rows as bars and figures. Pure."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

BARS = 24
_PERCENTILES = (50, 90, 99)


def distribution(lengths: "npt.ArrayLike") -> dict[str, Any]:
    """Bars of equal width up to the 99th percentile, what is beyond counted in `longer`."""
    values = np.asarray(lengths, dtype=np.int64)
    if not len(values):
        return {"rows": 0, "bars": [], "width": 1, "start": 0, "longer": 0}
    marks = {f"p{percent}": int(np.percentile(values, percent)) for percent in _PERCENTILES}
    start, width = 0, _round_up(max(1, marks["p99"]) / BARS)
    counts = np.bincount(np.minimum((values - start) // width, BARS), minlength=BARS + 1)
    return {
        "rows": len(values),
        "min": int(values.min()),
        "mean": round(float(values.mean()), 1),
        "max": int(values.max()),
        "total": int(values.sum()),
        **marks,
        "start": start,
        "width": width,
        "bars": counts[:BARS].tolist(),
        "longer": int(counts[BARS]),
    }


def _round_up(width: float) -> int:
    """To 1, 2, 3, 5 … times a power of ten, so that the bars' bounds can be read."""
    power = 10.0 ** math.floor(math.log10(max(1.0, width)))
    steps: Sequence[float] = (1, 1.5, 2, 3, 4, 5, 7.5, 10)
    return max(1, math.ceil(min(step * power for step in steps if step * power >= width - 1e-9)))
