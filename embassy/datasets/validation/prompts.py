"""Rows of a prompt and its completion; CSV files call them input and expected_output."""

from collections.abc import Callable
from typing import Any

import orjson

from embassy.datasets.validation.fields import BadRow, Values, checked_text, required
from embassy.datasets.validation.messages import Message, check_conversation, read_messages, tools_of


def reader(prompt: str, completion: str) -> Callable[[Values], dict[str, Any]]:
    """A reader of rows that name the two fields so."""

    def read(values: Values) -> dict[str, Any]:
        question = read_prompt(required(values, prompt), prompt)
        answer = read_answer(required(values, completion), completion)
        check_conversation(question + answer, completion)
        return {"messages": question + answer} | tools_of(values)

    return read


def read_prompt(value: Any, path: str) -> list[Message]:
    """A text, or the messages so far."""
    if isinstance(value, list):
        return read_messages(value, path)
    return [{"role": "user", "content": checked_text(value, path)}]


def read_answer(value: Any, path: str) -> list[Message]:
    """A text, the assistant's messages, or a label: a number or an object of labels, kept as JSON text."""
    if isinstance(value, list):
        return _answers(read_messages(value, path), path)
    is_label = isinstance(value, int | float | dict) and not isinstance(value, bool)
    text = orjson.dumps(value).decode() if is_label else value
    return [{"role": "assistant", "content": checked_text(text, path)}]


def _answers(messages: list[Message], path: str) -> list[Message]:
    if messages[-1]["role"] != "assistant":
        wanted = "Its last message must be of the role assistant."
        raise BadRow("no_assistant_turn", "it does not end with an answer", wanted, path)
    return messages
