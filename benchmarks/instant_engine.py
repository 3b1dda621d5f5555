"""An engine that answers at once: what is measured in front of it is not it.

`python -m benchmarks.instant_engine` prints the port. It takes no key and reads of a request only whether it
wants a stream: a hundred events of a token each, every one written by itself.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import uvloop

CHUNKS = 100  # events of a stream, a token each
TOKENS = 20  # of an answer that comes whole

CHUNK = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"base",'
    b'"choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]}\n\n'
)
USAGE = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"base","choices":[],'
    b'"usage":{"prompt_tokens":6,"total_tokens":106,"completion_tokens":100}}\n\n'
)
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "base",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "word " * TOKENS, "tool_calls": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 6, "total_tokens": 6 + TOKENS, "completion_tokens": TOKENS},
    }
).encode()


def framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(ANSWER),
    ANSWER,
)
STREAM = [
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    *[framed(CHUNK)] * CHUNKS,
    framed(USAGE),
    framed(b"data: [DONE]\n\n"),
    b"0\r\n\r\n",
]


class InstantEngine(asyncio.Protocol):
    """One request at a time on each connection, as every client of it sends them."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._held = b""

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, separator, body = self._held.partition(b"\r\n\r\n")
        if not separator or len(body) < content_length(head):
            return
        self._held = b""
        # With and without a space: everybody's JSON.
        if b'"stream":true' in body or b'"stream": true' in body:
            self._write(iter(STREAM))
        else:
            self._transport.write(PLAIN)

    def _write(self, pieces: Iterator[bytes]) -> None:
        """Each piece by itself, as an engine does that has just computed it."""
        piece = next(pieces, None)
        if piece is not None and not self._transport.is_closing():
            self._transport.write(piece)
            asyncio.get_running_loop().call_soon(self._write, pieces)


def content_length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(InstantEngine, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
