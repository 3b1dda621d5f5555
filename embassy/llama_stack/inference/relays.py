"""Streams that must be read on their way: to be stored, or to be written as the contract writes them."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from embassy.inference.relay import DONE, END, EventRelay
from embassy.llama_stack.inference.collected import CollectedChat

DATA = b"data: "
Json = dict[str, Any]


class ReadRelay(EventRelay):
    """Parses what it passes on. `collected` is the answer so far; `rewrite` makes another event of each."""

    def __init__(
        self,
        *,
        upstream_model: str,
        model: str,
        wants_usage: bool,
        collects: bool,
        rewrite: Callable[[Json], Json] | None = None,
    ) -> None:
        super().__init__(upstream_model=upstream_model, model=model, wants_usage=wants_usage)
        self.collected = CollectedChat(model) if collects else None
        self._rewrite = rewrite

    def feed(self, data: bytes) -> bytes:
        events = super().feed(data)
        if self.collected is None and self._rewrite is None:
            return events
        return b"".join(map(self._read, _events(events)))

    def _read(self, event: bytes) -> bytes:
        if event.startswith(DONE):
            return event + END
        chunk: Json = orjson.loads(event.removeprefix(DATA))
        if self.collected is not None:
            self.collected.add(chunk)
        return event + END if self._rewrite is None else DATA + orjson.dumps(self._rewrite(chunk)) + END


def _events(data: bytes) -> Iterator[bytes]:
    return (event for event in data.split(END) if event)
