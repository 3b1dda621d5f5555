"""The form of a test function, and the rows of a dry run: fields as they came → what services take."""

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from embassy.console.field_errors import Errors
from embassy.console.field_errors import errors_of as errors_by_field
from embassy.evaluation.functions import Row
from embassy.evaluation.serializers import MAX_DRY_ROWS, MAX_TEXT
from embassy.platform.errors import EmbassyError, InvalidInput

_FIELDS = frozenset({"content", "name", "dependencies", "task_types"})

TEMPLATE = '''\
def my_function(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer is the expected one, apart from white space around it."""
    return 1.0 if predicted_output.strip() == expected_output.strip() else 0.0
'''

SAMPLE = (
    Row("What is 2 + 2?", "4", "4"),
    Row("What is 2 + 2?", "4", "The answer is 4."),
    Row("What is 2 + 2?", "4", "5"),
)


@dataclass(frozen=True)
class Written:
    """What is in the fields."""

    content: str
    dependencies: tuple[str, ...]
    task_types: tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """`line` counts from 1; None where no place can be named."""

    sentence: str
    line: int | None = None


def written(data: QueryDict) -> Written:
    return Written(
        content=_plain(data.get("content", "")),
        dependencies=tuple(data.getlist("dependencies")),
        task_types=tuple(data.getlist("task_types")),
    )


def rows_of(data: QueryDict) -> list[Row]:
    """Raises InvalidInput for too many or too long ones, or none at all."""
    columns = (data.getlist(name) for name in ("input", "expected", "predicted"))
    rows = [Row(*map(_plain, texts)) for texts in zip(*columns, strict=False)]
    if not rows:
        raise InvalidInput("Add a row to try the function on.")
    if len(rows) > MAX_DRY_ROWS:
        raise InvalidInput(f"A dry run takes at most {MAX_DRY_ROWS} rows, not {len(rows)}.")
    if any(len(text) > MAX_TEXT for row in rows for text in row.arguments):
        raise InvalidInput(f"A text of a row has more than {MAX_TEXT} characters. Shorten it.")
    return rows


def errors_of(error: EmbassyError) -> Errors:
    return errors_by_field(error, lambda name: name if name in _FIELDS else None)


def source_problems(error: EmbassyError) -> list[Problem]:
    """What is wrong with the source, line by line; empty if the error is about something else."""
    if error.code != "invalid_test_function":
        return []
    found: list[dict[str, Any]] = error.details
    return [Problem(_sentence(problem["message"]), problem["line"]) for problem in found]


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:].rstrip('.')}."


def _plain(text: str) -> str:
    """Browsers end the lines of a text area with two characters."""
    return text.replace("\r\n", "\n")
