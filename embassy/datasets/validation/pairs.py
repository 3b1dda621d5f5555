"""Rows of two texts and a score that says how alike they are."""

import math
from typing import Any

from embassy.datasets.validation.fields import BadRow, Values, checked_text, required
from embassy.datasets.validation.report import kind_of

WANTED = "A number is wanted, such as 0, 0.5 or 1."


def read_pair(values: Values) -> dict[str, Any]:
    first = checked_text(required(values, "text1"), "text1")
    second = checked_text(required(values, "text2"), "text2")
    return {"text1": first, "text2": second, "score": _score(required(values, "score"))}


def _score(value: Any) -> float:
    if isinstance(value, str):
        return _number(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRow("wrong_type", f"it is {kind_of(value)}", WANTED, "score", value)
    return float(value)


def _number(text: str) -> float:
    """A CSV file has nothing but text."""
    try:
        number = float(text)
    except ValueError:
        raise BadRow("not_a_number", "this is not a number", WANTED, "score", text) from None
    if not math.isfinite(number):
        raise BadRow("not_a_number", "this is not a number to learn", WANTED, "score", text)
    return number
