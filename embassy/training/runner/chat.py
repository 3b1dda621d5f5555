"""Conversations to tokens with a loss mask, and what the template puts around a prompt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt

from embassy.training.runner.failures import RunnerError
from embassy.training.runner.rows import Message, Row, messages
from embassy.training.spec import EndCode

IGNORED = -100
_GENERATION_MARKER = re.compile(r"\{%-?\s*generation\s*-?%\}")
_SENTINEL = "\u27eaprompt\u27eb"
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


def tokenize_rows(tokenizer: Any, rows: Iterable[Row], max_length: int) -> Iterator[Example]:
    """Examples in the rows' order, cut to `max_length` tokens from the start; assistant turns train."""
    tokenize = _by_marker if _GENERATION_MARKER.search(tokenizer.chat_template) else _by_prefix
    rows = iter(rows)
    while batch := list(islice(rows, _BATCH)):
        conversations = [messages(row) for row in batch]
        encoded = _rendering(tokenize, tokenizer, conversations)
        for row, conversation, (ids, mask) in zip(batch, conversations, encoded, strict=True):
            yield _example(row["line"], conversation, ids, mask, max_length)


def prompt_format(tokenizer: Any) -> dict[str, str]:
    """The text that the template puts before and after a single user turn that asks for an answer."""
    rendered = _rendering(
        tokenizer.apply_chat_template,
        [{"role": "user", "content": _SENTINEL}],
        tokenize=False,
        add_generation_prompt=True,
    )
    prefix, found, suffix = rendered.partition(_SENTINEL)
    if not found:
        raise unusable_template("it does not render the user's text")
    return {"prefix": prefix, "suffix": suffix}


def unusable_template(problem: str) -> RunnerError:
    return RunnerError(
        EndCode.CHAT_TEMPLATE_UNUSABLE, f"The chat template cannot be used: {problem}. Give another template."
    )


def _rendering(render: Any, *arguments: Any, **options: Any) -> Any:
    try:
        return render(*arguments, **options)
    except jinja2.TemplateError as error:
        raise unusable_template(f"it refused a conversation ({error})") from None


def _by_marker(tokenizer: Any, conversations: list[list[Message]]) -> list[tuple[list[int], list[int]]]:
    """Token ids and mask from a template that marks what the assistant generates."""
    encoded = tokenizer.apply_chat_template(
        conversations, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    return list(zip(encoded["input_ids"], encoded["assistant_masks"], strict=True))


def _by_prefix(tokenizer: Any, conversations: list[list[Message]]) -> list[tuple[list[int], list[int]]]:
    """The same from any template: a turn is what it adds to the prompt that comes before it."""
    return [_mask_by_prefix(tokenizer, conversation) for conversation in conversations]


def _mask_by_prefix(tokenizer: Any, conversation: list[Message]) -> tuple[list[int], list[int]]:
    def render(end: int, prompt: bool) -> str:
        text: str = tokenizer.apply_chat_template(
            conversation[:end], tokenize=False, add_generation_prompt=prompt
        )
        return text

    text = render(len(conversation), False)
    spans = []
    for index, message in enumerate(conversation):
        if message["role"] == "assistant":
            prompt, turn = render(index, True), render(index + 1, False)
            if not (turn.startswith(prompt) and text.startswith(turn)):
                raise unusable_template("it has no generation markers and renders earlier turns differently")
            spans.append((len(prompt), len(turn)))
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    mask = [
        int(any(start < span_end and end > span_start for span_start, span_end in spans))
        for start, end in encoded["offset_mapping"]
    ]
    return encoded["input_ids"], mask


def _example(
    line: int, conversation: list[Message], ids: list[int], mask: list[int], max_length: int
) -> Example:
    tokens = np.asarray(ids[:max_length], dtype=np.int32)
    trainable = np.asarray(mask[:max_length], dtype=bool)
    labels = np.where(trainable, tokens, np.int32(IGNORED))
    return Example(line, tokens, labels, len(ids), _problem(conversation, trainable))


def _problem(conversation: list[Message], trainable: npt.NDArray[np.bool_]) -> str | None:
    """Why a row teaches nothing, or None. The first token is never predicted, so it does not count."""
    answers = [message["content"] for message in conversation if message["role"] == "assistant"]
    if not any(answer.strip() for answer in answers):
        return "empty_completion"
    return None if trainable[1:].any() else "cut_off"
