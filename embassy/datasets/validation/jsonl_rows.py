"""JSON lines → one object a line, with the line's number."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from embassy.datasets.validation.report import Problem, Report, kind_of, shown

WANTED = "Each line must be one complete JSON object."


class _DuplicateKey(ValueError):
    """An object has the same key twice; all but the last would be lost."""


def jsonl_rows(lines: Iterable[tuple[int, str]], report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, text in lines:
        if text.strip():
            parsed = _parse(text, number)
            if isinstance(parsed, Problem):
                report.add(parsed)
            else:
                yield number, parsed


def _parse(text: str, number: int) -> dict[str, Any] | Problem:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        around = shown(text[max(0, error.pos - 20) :].strip())
        return Problem(
            "invalid_json", f"this is not JSON: {error.msg}", WANTED, number, error.colno, seen=around
        )
    if not isinstance(value, dict):
        return Problem("not_an_object", f"this is {kind_of(value)}", WANTED, number, seen=shown(text.strip()))
    return _duplicate(text, number) or value


def _duplicate(text: str, number: int) -> Problem | None:
    """orjson keeps the last of two equal keys and says nothing."""
    try:
        _DUPLICATES.decode(text)
    except _DuplicateKey as error:
        key = str(error)
        return Problem("duplicate_key", "this key is there twice", "Keep one of the two.", number, None, key)
    except RecursionError:
        return too_deep(number)
    return None


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    names = set()
    for name, _ in pairs:
        if name in names:
            raise _DuplicateKey(name)
        names.add(name)


def too_deep(number: int) -> Problem:
    return Problem("too_deep", "lists and objects are nested too deeply", "Flatten the row.", number)


_DUPLICATES = json.JSONDecoder(object_pairs_hook=_refuse_duplicates)
