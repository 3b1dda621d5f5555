"""Rows of which only the question is given to the model: to sample answers, or to judge by a head."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from embassy.training.examples.rows import Message, Row, messages
from embassy.training.examples.templates import Template


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation up to its last answer, and that answer; lengths in tokens."""

    line: int
    conversation: list[Message]
    text: str
    expected: str
    full_length: int
    truncated: bool
    problem: str | None

    @property
    def input_text(self) -> str:
        """The last user message: what test functions take as the input."""
        users = [message["content"] for message in self.conversation if message["role"] == "user"]
        return users[-1] if users else ""

    @property
    def size(self) -> int:
        """Of the prompt alone: answers come when they are sampled."""
        return self.full_length

    @property
    def learned(self) -> int:
        return 0


def split_row(row: Row) -> tuple[list[Message], str]:
    """The conversation up to the last assistant message, and what that says ("" if there is none)."""
    conversation = messages(row)
    answers = [index for index, message in enumerate(conversation) if message["role"] == "assistant"]
    if not answers:
        return conversation, ""
    return conversation[: answers[-1]], conversation[answers[-1]]["content"]


def read_prompts(tokenizer: Any, rows: Iterable[Row], longest: int) -> Iterator[Prompt]:
    """Prompts in the rows' order; those of more than `longest` tokens cannot be trained on."""
    template = Template(tokenizer) if tokenizer.chat_template else None
    for row in rows:
        conversation, expected = split_row(row)
        text = template.prompt(conversation, row.get("tools")) if conversation and template else ""
        length = len(tokenizer(text, add_special_tokens=False)["input_ids"])
        problem = "empty_text" if not conversation else "prompt_too_long" if length > longest else None
        yield Prompt(row["line"], conversation, text, expected, length, length > longest, problem)
