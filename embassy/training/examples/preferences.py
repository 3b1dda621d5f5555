"""Rows of a prompt with a better and a worse answer, to tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from embassy.training.examples.chat import Tokens
from embassy.training.examples.rows import Message, Row, messages
from embassy.training.examples.templates import Template


@dataclass(frozen=True, slots=True)
class Preference:
    """A tokenized row; `full_length` is that of the longer of the two conversations, in tokens."""

    line: int
    prompt: Tokens
    chosen: Tokens
    rejected: Tokens
    full_length: int
    truncated: bool
    problem: str | None

    @property
    def size(self) -> int:
        """Both conversations, padded to the longer."""
        return 2 * (len(self.prompt) + max(len(self.chosen), len(self.rejected)))

    @property
    def learned(self) -> int:
        return len(self.chosen) + len(self.rejected)


def tokenize_preferences(tokenizer: Any, rows: Iterable[Row], max_length: int) -> Iterator[Preference]:
    """Preferences in the rows' order; what exceeds `max_length` tokens is cut from the answers' end."""
    template = Template(tokenizer)
    for row in rows:
        yield _tokenize(tokenizer, template, row, max_length)


def _tokenize(tokenizer: Any, template: Template, row: Row, max_length: int) -> Preference:
    prompt, chosen, rejected = (messages(row, key) for key in ("messages", "chosen", "rejected"))
    tools = row.get("tools")
    texts = [
        template.prompt(prompt, tools),
        template.text(prompt + chosen, tools),
        template.text(prompt + rejected, tools),
    ]
    asked, better, worse = (
        np.asarray(ids, dtype=np.int32) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]
    )
    shared = min(_common_prefix(asked, better), _common_prefix(asked, worse))
    longest = max(len(better), len(worse))
    return Preference(
        line=row["line"],
        prompt=asked[:shared],
        chosen=better[shared:max_length],
        rejected=worse[shared:max_length],
        full_length=longest,
        truncated=longest > max_length,
        problem=_problem(chosen, rejected, better[shared:max_length], worse[shared:max_length]),
    )


def _problem(chosen: list[Message], rejected: list[Message], better: Tokens, worse: Tokens) -> str | None:
    """Why a row teaches nothing, or None: two answers that are alike once cut have no preference."""
    if not _says_something(chosen) and not _says_something(rejected):
        return "empty_completion"
    if chosen == rejected:
        return "equal_answers"
    return "cut_off" if np.array_equal(better, worse) else None


def _says_something(answer: list[Message]) -> bool:
    return any(message["content"].strip() or message.get("tool_calls") for message in answer)


def _common_prefix(one: Tokens, other: Tokens) -> int:
    """How many tokens two sequences share from the start."""
    length = min(len(one), len(other))
    different = np.nonzero(one[:length] != other[:length])[0]
    return int(different[0]) if len(different) else length
