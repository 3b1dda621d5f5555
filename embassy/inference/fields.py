"""Checks of one field each: the value as the engine takes it, or a 400 that names the field."""

from collections.abc import Callable
from typing import Any

from embassy.platform.errors import InvalidInput

Check = Callable[[str, Any], Any]
Table = dict[str, Check]

MAX_LIST = 64


def wrong(name: str, must: str) -> InvalidInput:
    return InvalidInput(f"`{name}` must be {must}.", details={"field": name})


def missing(name: str) -> InvalidInput:
    return InvalidInput(f"`{name}` is missing.", details={"field": name})


def number(low: float, high: float) -> Check:
    def check(name: str, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise wrong(name, f"a number from {low:g} to {high:g}")
        return value

    return check


def positive(high: float) -> Check:
    def check(name: str, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= high:
            raise wrong(name, f"a number above 0, at most {high:g}")
        return value

    return check


def integer(low: int, high: int) -> Check:
    def check(name: str, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise wrong(name, f"a whole number from {low} to {high}")
        return value

    return check


def count(name: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise wrong(name, "a whole number of at least 1")
    return value


def boolean(name: str, value: Any) -> Any:
    if not isinstance(value, bool):
        raise wrong(name, "true or false")
    return value


def string(name: str, value: Any) -> Any:
    if not isinstance(value, str) or not value:
        raise wrong(name, "a string that is not empty")
    return value


def mapping(name: str, value: Any) -> Any:
    if not isinstance(value, dict):
        raise wrong(name, "an object")
    return value


def one_of(*values: str) -> Check:
    def check(name: str, value: Any) -> Any:
        if value not in values:
            raise wrong(name, "one of " + ", ".join(values))
        return value

    return check


def stop(name: str, value: Any) -> Any:
    strings = [value] if isinstance(value, str) else value
    if (
        not isinstance(strings, list)
        or len(strings) > 16
        or not all(s and isinstance(s, str) for s in strings)
    ):
        raise wrong(name, "a string or a list of at most 16 strings, none of them empty")
    return strings


def strings(name: str, value: Any) -> Any:
    if (
        not isinstance(value, list)
        or len(value) > MAX_LIST
        or not all(s and isinstance(s, str) for s in value)
    ):
        raise wrong(name, f"a list of at most {MAX_LIST} strings, none of them empty")
    return value


def token_ids(name: str, value: Any) -> Any:
    if not isinstance(value, list) or len(value) > MAX_LIST or not all(map(is_token_id, value)):
        raise wrong(name, f"a list of at most {MAX_LIST} token ids")
    return value


def is_token_id(value: Any) -> bool:
    return type(value) is int and value >= 0


def logit_bias(name: str, value: Any) -> Any:
    bias = mapping(name, value)
    for token, weight in bias.items():
        if not token.isdigit() or isinstance(weight, bool) or not isinstance(weight, int | float):
            raise wrong(name, "an object of token ids and numbers")
    return bias


def chosen(body: dict[str, Any], table: Table) -> dict[str, Any]:
    """What the table lists of the body, checked. Null is the same as absent; the rest is left out."""
    return {
        name: table[name](name, value) for name, value in body.items() if value is not None and name in table
    }


def required(body: dict[str, Any], name: str, check: Check) -> Any:
    value = body.get(name)
    if value is None:
        raise missing(name)
    return check(name, value)


def listed(name: str, value: Any, *, most: int) -> list[Any]:
    if not isinstance(value, list) or not value or len(value) > most:
        raise wrong(name, f"a list of 1 to {most} entries")
    return value
