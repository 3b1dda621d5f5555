"""Conversations to tokens with a loss mask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from embassy.training.examples.jinja import Span
from embassy.training.examples.rows import Message, Row, messages
from embassy.training.examples.templates import Template, unusable_template

IGNORED = -100
_BATCH = 256

Tokens = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Example:
    """A tokenized row; `labels` repeats the trainable tokens and has IGNORED elsewhere."""

    line: int
    ids: Tokens
    labels: Tokens
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
        return int((self.labels != IGNORED).sum())


def tokenize_rows(tokenizer: Any, rows: Iterable[Row], max_length: int) -> Iterator[Example]:
    """Examples in the rows' order, cut to `max_length` tokens from the start.

    The assistant's turns train, but for those of weight 0.
    """
    template = Template(tokenizer)
    rows = iter(rows)
    while batch := list(islice(rows, _BATCH)):
        conversations = [messages(row) for row in batch]
        rendered = [
            template.spans(conversation, row.get("tools"))
            for row, conversation in zip(batch, conversations, strict=True)
        ]
        encoded = tokenizer(
            [text for text, _ in rendered], add_special_tokens=False, return_offsets_mapping=True
        )
        for index, (row, conversation) in enumerate(zip(batch, conversations, strict=True)):
            spans = learned_spans(conversation, rendered[index][1])
            mask = _mask(encoded["offset_mapping"][index][:max_length], spans)
            yield _example(row["line"], conversation, encoded["input_ids"][index], mask)


def learned_spans(conversation: list[Message], spans: list[Span]) -> list[Span]:
    """The spans of the answers that are to be learned."""
    learned = [_is_learned(message) for message in conversation if message["role"] == "assistant"]
    if all(learned):
        return spans
    if len(spans) != len(learned):
        raise unusable_template("some answers have weight 0, and it does not mark each answer")
    return [span for span, is_learned in zip(spans, learned, strict=True) if is_learned]


def _is_learned(message: Message) -> bool:
    return bool(message.get("weight", 1))


def _mask(offsets: list[tuple[int, int]], spans: list[Span]) -> npt.NDArray[np.bool_]:
    """Which tokens overlap a span; a character of several tokens counts with all of them."""
    bounds = np.asarray(offsets, dtype=np.int64).reshape(-1, 2)
    mask = np.zeros(len(bounds), dtype=bool)
    for start, end in spans:
        mask |= (bounds[:, 0] < end) & (bounds[:, 1] > start)
    return mask


def _example(line: int, conversation: list[Message], ids: list[int], mask: npt.NDArray[np.bool_]) -> Example:
    tokens = np.asarray(ids[: len(mask)], dtype=np.int32)
    labels = np.where(mask, tokens, np.int32(IGNORED))
    return Example(line, tokens, labels, len(ids), _problem(conversation, mask))


def _problem(conversation: list[Message], mask: npt.NDArray[np.bool_]) -> str | None:
    """Why a row teaches nothing, or None. The first token is never predicted, so it does not count."""
    answers = [m for m in conversation if m["role"] == "assistant" and _is_learned(m)]
    if not answers:
        return "no_answer"
    if not any(answer["content"].strip() or answer.get("tool_calls") for answer in answers):
        return "empty_completion"
    return None if mask[1:].any() else "cut_off"
