"""The events of a stream put together to the answer that a plain request would have got. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

Json = dict[str, Any]

DATA = b"data:"
DONE = b"[DONE]"


@dataclass
class Call:
    """A call of a function. Pieces are joined once, in the end: an answer may have thousands."""

    id: str = ""
    name: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    def add(self, piece: Json) -> None:
        function = piece.get("function") or {}
        self.id = piece.get("id") or self.id
        self.name.append(function.get("name") or "")
        self.arguments.append(function.get("arguments") or "")

    def whole(self) -> Json:
        function = {"name": "".join(self.name), "arguments": "".join(self.arguments)}
        return {"id": self.id, "type": "function", "function": function}


@dataclass
class Choice:
    """`is_chat`: its text is a message's content."""

    is_chat: bool = False
    text: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    finish_reason: str | None = None

    def add(self, piece: Json) -> None:
        delta = piece.get("delta") or {}
        self.is_chat = self.is_chat or "delta" in piece
        self.text.append(delta.get("content") or piece.get("text") or "")
        for call in delta.get("tool_calls") or ():
            index = call.get("index", 0)
            if index >= len(self.calls):
                self.calls.append(Call())
            self.calls[min(index, len(self.calls) - 1)].add(call)
        self.finish_reason = piece.get("finish_reason") or self.finish_reason

    def whole(self) -> Json:
        text = "".join(self.text)
        answer: Json = {"finish_reason": self.finish_reason}
        if not self.is_chat:
            return {"text": text} | answer
        message: Json = {"role": "assistant", "content": text}
        if self.calls:
            message["tool_calls"] = [call.whole() for call in self.calls]
        return {"message": message} | answer


def assembled(data: bytes) -> Json:
    """Without log probabilities. `error` is there if one ended the stream; a last event may be cut off."""
    answer: Json = {}
    choices: dict[int, Choice] = {}
    for event in _events(data):
        if "error" in event:
            answer["error"] = event
            continue
        for name in ("id", "object", "created", "model"):
            if name in event:
                answer[name] = event[name]
        if event.get("usage"):
            answer["usage"] = event["usage"]
        for piece in event.get("choices") or ():
            choices.setdefault(piece.get("index", 0), Choice()).add(piece)
    if answer.get("object") == "chat.completion.chunk":
        answer["object"] = "chat.completion"
    answer["choices"] = [{"index": index, **choices[index].whole()} for index in sorted(choices)]
    return answer


def _events(data: bytes) -> Iterator[Json]:
    for line in data.split(b"\n"):
        if not line.startswith(DATA):
            continue  # a comment, or the blank line that ends an event
        text = line[len(DATA) :].strip()
        if text == DONE:
            return
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError:
            return  # cut off
        if isinstance(event, dict):
            yield event
