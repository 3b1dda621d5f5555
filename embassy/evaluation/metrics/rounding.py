import math
from collections.abc import Mapping

DIGITS = 4


def rounded(values: Mapping[str, float]) -> dict[str, float]:
    """Plain floats for JSON; what is not finite, such as the correlation of a constant, is left out."""
    return {name: round(float(value), DIGITS) for name, value in values.items() if math.isfinite(value)}
