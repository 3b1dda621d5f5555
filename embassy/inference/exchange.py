"""One HTTP request and its answer, over ASGI: the gateway's only knowledge of the server's protocol."""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import orjson

from embassy.inference.recording import Recording
from embassy.platform.error_bodies import render
from embassy.platform.errors import EmbassyError, TooLarge, TooManyRequests, Unavailable
from embassy.platform.exception_handler import headers_of
from embassy.platform.logs import request_id
from embassy.platform.middleware import WELL_FORMED

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

MAX_BODY = 10 * 1024 * 1024  # bytes
WATCH_AFTER_S = 0.02
JSON = (b"content-type", b"application/json")
STREAM_HEADERS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class Exchange:
    """Reads the body, writes the answer, and ends our work when the client goes away.

    `is_started` tells whether a status has been sent, so that an error can no longer be one.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.path: str = scope["path"]
        self.method: str = scope["method"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.is_started = False
        self.is_abandoned = False
        self.added_headers: Headers = []  # go out with the answer, whatever it is
        self.closing: list[Callable[[], None]] = []  # run when all is over
        self.recording: Recording | None = None
        self.body_size = 0  # bytes
        self._receive = receive
        self._send = send
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None
        given = self.header(b"x-request-id")
        known = given is not None and WELL_FORMED.fullmatch(given)
        self.request_id: str = given if given and known else "rq-" + os.urandom(12).hex()
        # A client may use an id twice at once; an engine takes each only once.
        self.engine_id = f"{given}-{os.urandom(4).hex()}" if known else self.request_id
        request_id.set(self.request_id)

    def header(self, name: bytes) -> str | None:
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    async def body(self) -> bytes:
        """The whole body; raises TooLarge as soon as that is known."""
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > MAX_BODY:
            raise _too_large()
        message = await self._message()
        if not message.get("more_body"):
            body: bytes = self._checked(message.get("body", b""))
            self.body_size = len(body)
            return body
        parts = bytearray(message.get("body", b""))
        while message.get("more_body"):
            message = await self._message()
            parts += self._checked(message.get("body", b""), already=len(parts))
        self.body_size = len(parts)
        return bytes(parts)

    def end_with_client(self) -> None:
        """From now on, until the answer is written, a disconnect cancels the current task."""
        task = asyncio.current_task()
        assert task is not None
        # Many answers come sooner than this, and then no second task is needed.
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._start_watching, task)

    async def answer(self, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self._stop_watching()
        await self._start(status, [JSON, (b"content-length", b"%d" % len(body)), *headers])
        if self.recording is not None:
            self.recording.whole(status, body)
        await self._send({"type": "http.response.body", "body": body})

    async def start_stream(self) -> None:
        if self.recording is not None:
            self.recording.stream_begins()
        await self._start(200, STREAM_HEADERS)

    async def write(self, chunk: bytes, *, is_last: bool = False) -> None:
        """The last one ends the stream too: by itself the end would be one more packet for the client."""
        if self.recording is not None:
            self.recording.piece(chunk)
        if is_last:
            self._end()
        await self._send({"type": "http.response.body", "body": chunk, "more_body": not is_last})

    async def comment(self, text: str) -> None:
        """A line of a stream that its client passes over; the first one starts the stream."""
        if not self.is_started:
            await self.start_stream()
        line = f": {' '.join(text.split())}\n\n".encode()
        await self._send({"type": "http.response.body", "body": line, "more_body": True})

    async def fail(self, error: EmbassyError) -> None:
        """The error as this family's body: as the answer, or as the last event of a stream."""
        status, body = render(self.path, error)
        data = orjson.dumps(body)
        if not self.is_started:
            headers = [(name.lower().encode(), value.encode()) for name, value in headers_of(error).items()]
            if isinstance(error, TooLarge):
                headers.append((b"connection", b"close"))
            await self.answer(status, data, headers)
            return
        if isinstance(error, Unavailable | TooManyRequests):  # the head is gone, so the hint comes here
            data = orjson.dumps(body | {"retry_after": max(1, round(error.retry_after))})
        await self.write(b"data: " + data + b"\n\n", is_last=True)

    def close(self) -> None:
        self._stop_watching()
        for done in self.closing:
            done()

    def _end(self) -> None:
        self._stop_watching()
        if self.recording is not None:
            self.recording.stream_ends()

    async def _start(self, status: int, headers: Headers) -> None:
        self.is_started = True
        headers = [*headers, *self.added_headers, (b"x-request-id", self.request_id.encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _message(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        return message

    async def _cancel_on_disconnect(self, task: "asyncio.Task[object]") -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._watch is not None:
            self.is_abandoned = True
            task.cancel()

    def _start_watching(self, task: "asyncio.Task[object]") -> None:
        self._watch = asyncio.create_task(self._cancel_on_disconnect(task))

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()

    @staticmethod
    def _checked(part: bytes, already: int = 0) -> bytes:
        if already + len(part) > MAX_BODY:
            raise _too_large()
        return part


def _too_large() -> TooLarge:
    return TooLarge(f"The body is larger than {MAX_BODY // 1024 // 1024} MB.")
