"""A stream's events put together again: the answer as it would have come whole."""

from typing import Any

Json = dict[str, Any]


class CollectedChat:
    """`add` it every event; `whole` is the answer so far, as OpenAI writes it."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._head: Json = {}
        self._choices: dict[int, Json] = {}
        self._usage: Json | None = None

    def add(self, chunk: Json) -> None:
        self._head = self._head or {"id": chunk["id"], "created": chunk["created"]}
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk["choices"]:
            self._add(choice)

    def whole(self) -> Json:
        choices = [self._choices[index] for index in sorted(self._choices)]
        head = {"id": "", "created": 0} | self._head
        shaped = {**head, "object": "chat.completion", "model": self._model, "choices": choices}
        return shaped | ({"usage": self._usage} if self._usage else {})

    def _add(self, choice: Json) -> None:
        index = choice["index"]
        known = self._choices.setdefault(index, _empty(index))
        delta, message = choice["delta"], known["message"]
        if delta.get("content") is not None:
            message["content"] = (message["content"] or "") + delta["content"]
        for call in delta.get("tool_calls") or ():
            _add_call(message.setdefault("tool_calls", []), call)
        if content := (choice.get("logprobs") or {}).get("content"):
            known["logprobs"] = {"content": [*((known["logprobs"] or {}).get("content") or ()), *content]}
        known["finish_reason"] = choice.get("finish_reason") or known["finish_reason"]


def _empty(index: int) -> Json:
    message: Json = {"role": "assistant", "content": None, "refusal": None}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": "stop"}


def _add_call(calls: list[Json], piece: Json) -> None:
    """A call's name comes in its first piece, its arguments bit by bit."""
    while len(calls) <= piece.get("index", 0):
        calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
    call = calls[piece.get("index", 0)]
    call["id"] = piece.get("id") or call["id"]
    function = piece.get("function") or {}
    call["function"]["name"] += function.get("name") or ""
    call["function"]["arguments"] += function.get("arguments") or ""
