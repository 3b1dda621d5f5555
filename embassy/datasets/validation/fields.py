"""One field of a row: is it there, is it text, is it too long?"""

from collections.abc import Mapping
from typing import Any

from embassy.datasets.validation.limits import MAX_FIELD_CHARACTERS
from embassy.datasets.validation.report import Problem, kind_of, shown

Values = Mapping[str, Any]


class BadRow(Exception):
    """The row cannot be used. The problem lacks the line, which only the reader of the file knows."""

    def __init__(self, code: str, wrong: str, wanted: str, field: str, value: Any = None) -> None:
        seen = None if value is None else shown(value)
        self.problem = Problem(code, wrong, wanted, field=field, seen=seen)
        super().__init__(self.problem.sentence)


def required(values: Values, name: str, path: str | None = None) -> Any:
    """The value of a field that must be there and not null."""
    value = values.get(name)
    if value is None:
        raise BadRow("missing_field", "it is missing", f"Give the row the field {name}.", path or name)
    return value


def checked_text(value: Any, path: str) -> str:
    """A string that is not blank and not too long."""
    if not isinstance(value, str):
        raise BadRow("wrong_type", f"it is {kind_of(value)}", "A string is wanted.", path, value)
    if not value.strip():
        raise BadRow("empty_field", "it is empty", "Give it a text, or remove the row.", path)
    return checked_length(value, path)


def checked_length(value: str, path: str) -> str:
    if len(value) > MAX_FIELD_CHARACTERS:
        limit = f"A field may have {MAX_FIELD_CHARACTERS} characters."
        raise BadRow("field_too_long", f"it has {len(value)} characters", limit, path, value)
    return value
