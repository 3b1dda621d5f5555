"""Prompts as a head reads them: cut in the middle, so that the template's end stays where it looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from embassy.training.examples.chat import Tokens
from embassy.training.examples.prompts import Prompt, read_prompts
from embassy.training.examples.rows import Row
from embassy.training.examples.templates import Template


@dataclass(frozen=True, slots=True)
class HeadExample:
    """A tokenized prompt and the text of its answer, from which the target is read."""

    line: int
    ids: Tokens
    answer: str
    full_length: int
    problem: str | None

    @property
    def truncated(self) -> bool:
        return self.full_length > len(self.ids)

    @property
    def size(self) -> int:
        return len(self.ids)

    @property
    def learned(self) -> int:
        return 0


def tokenize_prompts(
    tokenizer: Any, rows: Iterable[Row], max_length: int, problem_of: Callable[[str], str | None]
) -> Iterator[HeadExample]:
    """Examples in the rows' order; `problem_of` says why an answer is no target, or None.

    A prompt of more than `max_length` tokens loses the end of its text, not the template's suffix.
    """
    tail = _suffix_length(tokenizer)
    for prompt in read_prompts(tokenizer, rows, max_length):
        ids = _ids(tokenizer, prompt)
        kept = ids if len(ids) <= max_length else ids[: max_length - tail] + ids[len(ids) - tail :]
        problem = problem_of(prompt.expected) if prompt.conversation else "empty_text"
        yield HeadExample(prompt.line, np.asarray(kept, dtype=np.int32), prompt.expected, len(ids), problem)


def _ids(tokenizer: Any, prompt: Prompt) -> list[int]:
    """A model without a chat template reads the last user message as it is."""
    if tokenizer.chat_template:
        ids: list[int] = tokenizer(prompt.text, add_special_tokens=False)["input_ids"]
    else:
        ids = tokenizer(prompt.input_text)["input_ids"]
    return ids


def _suffix_length(tokenizer: Any) -> int:
    if not tokenizer.chat_template:
        return 1  # the separator at the end
    suffix = Template(tokenizer).format()["suffix"]
    return len(tokenizer(suffix, add_special_tokens=False)["input_ids"])
