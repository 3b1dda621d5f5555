"""Canonical rows of a stored dataset, read as a stream.

Each is a JSON line. Prompts: `{"line", "messages"}` (and `tools`); preferences have `chosen` and
`rejected` lists of messages beside the prompt's `messages`; pairs are `{"line", "text1", "text2", "score"}`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from embassy.datasets.models import Dataset, Kind
from embassy.platform.errors import InvalidInput
from embassy.platform.storage import get_storage

Message = dict[str, Any]
RawRow = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A prompt and the answer that is expected: the last message of the assistant. What follows is left out.

    `line` is the row's first line in the original file.
    """

    line: int
    prompt_messages: list[Message]
    expected_output: str
    tools: list[dict[str, Any]]

    @property
    def input_text(self) -> str:
        """The last message of the user; empty if there is none."""
        texts = [message["content"] for message in self.prompt_messages if message["role"] == "user"]
        return str(texts[-1]) if texts else ""


def iter_raw(dataset: Dataset, *, start: int = 0) -> Iterator[RawRow]:
    """The canonical rows as they are stored, from a byte where one begins. Raises ObjectMissing."""
    with get_storage().open(dataset.rows_key, start=start) as lines:
        for line in lines:
            yield orjson.loads(line)


def iter_rows(dataset: Dataset) -> Iterator[Row]:
    """The rows of a dataset of prompts. Raises InvalidInput for another kind, ObjectMissing."""
    if dataset.kind != Kind.PROMPTS:
        raise InvalidInput(
            f"The dataset {dataset.name} holds {dataset.kind}, not prompts with answers.",
            code="wrong_dataset_kind",
        )
    return map(row_of, iter_raw(dataset))


def row_of(raw: RawRow) -> Row:
    messages = raw["messages"]
    answer = max(index for index, message in enumerate(messages) if message["role"] == "assistant")
    return Row(raw["line"], messages[:answer], messages[answer]["content"], raw.get("tools", []))
