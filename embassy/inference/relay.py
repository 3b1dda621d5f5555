"""Passes a stream on, event by event, without parsing it: only the model's name is exchanged.

In JSON a quote inside a string is escaped, so the patterns below cannot occur in what a model wrote.
"""

from typing import Any

import orjson

from embassy.inference.shapes import Tokens, tokens_of

END = b"\n\n"
DONE = b"data: [DONE]"
USAGE = b'"choices":[]'
FAILURE = b'data: {"error"'


class EventRelay:
    """`feed` it the engine's bytes; it gives whole events back.

    `tokens` are exact after the usage event; before it each event counts as one token. `is_done` is set after
    the engine's own end mark. `failure` is the event with which the engine told that it broke down; nothing
    is passed on after that.
    """

    def __init__(self, *, upstream_model: str, model: str, wants_usage: bool) -> None:
        self._tokens: Tokens | None = None
        self._passed = 0
        self.is_done = False
        self.failure: bytes | None = None
        self._wants_usage = wants_usage
        self._theirs = b'"model":' + orjson.dumps(upstream_model)
        self._ours = b'"model":' + orjson.dumps(model)
        self._rest = b""

    @property
    def tokens(self) -> Tokens:
        return self._tokens or Tokens(0, self._passed)

    def feed(self, data: bytes) -> bytes:
        if self._rest:
            data = self._rest + data
        size = data.rfind(END) + len(END)
        if size < len(END):
            self._rest = data
            return b""
        events, self._rest = data[:size], data[size:]
        if USAGE in events or FAILURE in events:
            events = self._sifted(events)
        if events.endswith(DONE + END):
            self.is_done = True
        self._passed += events.count(END)
        return events.replace(self._theirs, self._ours)

    def _sifted(self, events: bytes) -> bytes:
        kept = []
        for event in events.split(END)[:-1]:
            if event.startswith(FAILURE):
                self.failure = event
                break
            if USAGE in event:
                self._tokens = tokens_of(_data(event).get("usage"))
                if not self._wants_usage:
                    continue
            kept.append(event + END)
        return b"".join(kept)


def _data(event: bytes) -> dict[str, Any]:
    data: dict[str, Any] = orjson.loads(event.removeprefix(b"data:"))
    return data
