"""One training document: a conversation, or plain text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Message = Mapping[str, Any]


@dataclass(frozen=True)
class Document:
    """A conversation (`messages`, optionally with `tools`) or, when it has none, plain `text`."""

    messages: tuple[Message, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    text: str = ""

    @property
    def answer(self) -> str:
        """The content of the last message: what a model asked the rest should say."""
        return str(self.messages[-1]["content"])


def chat(*turns: str, system: str = "") -> Document:
    """A conversation from alternating user and assistant turns."""
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": turn} for i, turn in enumerate(turns)]
    if system:
        messages.insert(0, {"role": "system", "content": system})
    return Document(messages=tuple(messages))
