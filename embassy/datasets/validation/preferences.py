"""Rows of a prompt with a better and a worse answer, in TRL's form and in OpenAI's."""

from typing import Any

from embassy.datasets.validation.fields import BadRow, Values, required
from embassy.datasets.validation.messages import Message, read_messages, tools_of
from embassy.datasets.validation.prompts import read_answer, read_prompt
from embassy.datasets.validation.report import kind_of


def read_preference(values: Values) -> dict[str, Any]:
    prompt = read_prompt(required(values, "prompt"), "prompt")
    chosen = _answer(values, "chosen")
    rejected = _answer(values, "rejected")
    return _row(prompt, chosen, rejected, "rejected") | tools_of(values)


def read_openai_preference(values: Values) -> dict[str, Any]:
    source = required(values, "input")
    if not isinstance(source, dict):
        wanted = "An object with messages is wanted."
        raise BadRow("wrong_type", f"it is {kind_of(source)}", wanted, "input", source)
    prompt = read_messages(required(source, "messages", "input.messages"), "input.messages")
    chosen = _answer(values, "preferred_output")
    rejected = _answer(values, "non_preferred_output")
    return _row(prompt, chosen, rejected, "non_preferred_output") | tools_of(source)


def _answer(values: Values, name: str) -> list[Message]:
    return read_answer(required(values, name), name)


def _row(prompt: list[Message], chosen: list[Message], rejected: list[Message], path: str) -> dict[str, Any]:
    if chosen == rejected:
        wanted = "Give two different answers, or remove the row."
        raise BadRow("equal_answers", "it equals the better answer", wanted, path)
    return {"messages": prompt, "chosen": chosen, "rejected": rejected}
