"""The events of a stream put together to the answer that a plain request would have got. Pure."""

from collections.abc import Iterator
from typing import Any

import orjson

Json = dict[str, Any]

DATA = b"data:"
DONE = b"[DONE]"


def assembled(data: bytes) -> Json:
    """Without log probabilities. `error` is there if one ended the stream; a last event may be cut off."""
    answer: Json = {}
    choices: dict[int, Json] = {}
    for event in _events(data):
        if "error" in event:
            answer["error"] = event
            continue
        for name in ("id", "object", "created", "model"):
            if name in event:
                answer[name] = event[name]
        if event.get("usage"):
            answer["usage"] = event["usage"]
        for choice in event.get("choices") or ():
            _add(choices.setdefault(choice.get("index", 0), {}), choice)
    if answer.get("object") == "chat.completion.chunk":
        answer["object"] = "chat.completion"
    answer["choices"] = [{"index": index, **choices[index]} for index in sorted(choices)]
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


def _add(held: Json, choice: Json) -> None:
    if "text" in choice:
        held["text"] = held.get("text", "") + (choice["text"] or "")
    if delta := choice.get("delta"):
        _add_delta(held.setdefault("message", {"role": "assistant", "content": ""}), delta)
    if choice.get("finish_reason"):
        held["finish_reason"] = choice["finish_reason"]


def _add_delta(message: Json, delta: Json) -> None:
    if delta.get("content"):
        message["content"] += delta["content"]
    for piece in delta.get("tool_calls") or ():
        calls = message.setdefault("tool_calls", [])
        index = piece.get("index", 0)
        if index >= len(calls):
            calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
        _add_call(calls[min(index, len(calls) - 1)], piece)


def _add_call(call: Json, piece: Json) -> None:
    call["id"] = piece.get("id") or call["id"]
    function = piece.get("function") or {}
    for name in ("name", "arguments"):
        call["function"][name] += function.get(name) or ""
