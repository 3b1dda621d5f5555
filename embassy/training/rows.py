"""Canonical rows as training and testing look at them. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Example:
    """A row taken apart: all messages before the last assistant message, and that message."""

    line: int
    prompt: tuple[Message, ...]
    expected_output: str

    @property
    def input_text(self) -> str:
        """The last user message: what the test functions are given as input."""
        users = [message for message in self.prompt if message.get("role") == "user"]
        return str(users[-1].get("content") or "") if users else ""


class UnusableRow(ValueError):
    """The message says which line lacks what."""


def read_rows(lines: Iterable[bytes]) -> Iterator[Row]:
    return (json.loads(line) for line in lines if line.strip())


def write_row(row: Row) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def as_example(row: Row) -> Example:
    """Raises UnusableRow unless the row has an assistant message with a question before it."""
    messages = row.get("messages") or []
    answers = [index for index, message in enumerate(messages) if message.get("role") == "assistant"]
    line = int(row.get("line") or 0)
    if not answers:
        raise UnusableRow(f"line {line} has no answer of the assistant to learn from")
    if answers[-1] == 0:
        raise UnusableRow(f"line {line} begins with the answer; it needs a prompt before it")
    prompt, answer = tuple(messages[: answers[-1]]), messages[answers[-1]]
    return Example(line, prompt, str(answer.get("content") or ""))


def prompt_digest(row: Row) -> bytes:
    """Equal for rows that ask the same, so that a question never is in both training and test rows."""
    prompt = json.dumps(as_example(row).prompt, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(prompt.encode()).digest()
