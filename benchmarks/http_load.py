"""Requests over kept connections, as cheap for the machine as Python can send them.

A plain answer is only taken in: what it held is looked at afterwards. Of a stream each event is read as it
comes, as every client must: a client that does nothing would measure how bytes are copied.
"""

import asyncio
import os
import re
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.instant_engine import content_length

LAST_CHUNK = b"\r\n0\r\n\r\n"
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
EVENT = re.compile(rb"data: (\{[^\n]*\})\n\n")
COMPLETION_TOKENS = re.compile(rb'"completion_tokens": ?(\d+)')


@dataclass(frozen=True)
class Target:
    """Where to send, and how: `model` and `headers` differ by server, `pids` are those whose work counts."""

    name: str
    port: int
    path: str
    body: bytes
    headers: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()

    def request(self) -> bytes:
        lines = (
            f"POST {self.path} HTTP/1.1",
            "Host: 127.0.0.1",
            *self.headers,
            "Content-Type: application/json",
            f"Content-Length: {len(self.body)}",
        )
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body

    def cpu_s(self) -> float:
        return sum(cpu_s(pid) for pid in self.pids)


@dataclass(frozen=True)
class Load:
    """What one round measured. `cpu_us` is the server's for each request, None if nobody's counts."""

    wall_s: float
    requests: int
    tokens: int
    p50_ms: float
    cpu_us: float | None

    @property
    def requests_per_s(self) -> float:
        return self.requests / self.wall_s

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.wall_s


class Client(asyncio.Protocol):
    """Sends `count` requests on one connection, one after another; `answers` are as they came."""

    def __init__(self, request: bytes, count: int) -> None:
        self.answers: list[bytes] = []
        self.taken_s: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._count = count
        self._pieces: list[bytes] = []
        self._missing = 0  # bytes of the body, or -1: it comes in chunks
        self._unread = b""  # the beginning of an event whose end has not come

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def start(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self._pieces:
            head, _, body = data.partition(b"\r\n\r\n")
            is_chunked = b"chunked" in head.lower()
            self._missing = -1 if is_chunked else content_length(head) - len(body)
        elif self._missing > 0:
            self._missing -= len(data)
        self._pieces.append(data)
        if self._missing < 0:
            self._read(data)
        if self._missing == 0 or (self._missing < 0 and self._has_ended()):
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(b"".join(self._pieces)[:500]))

    def _read(self, data: bytes) -> None:
        data, end = self._unread + data, 0
        for event in EVENT.finditer(data):
            orjson.loads(event[1])
            end = event.end()
        self._unread = data[end:]

    def _has_ended(self) -> bool:
        last = self._pieces[-1]
        if len(last) < len(LAST_CHUNK):
            last = b"".join(self._pieces[-8:])
        return last.endswith(LAST_CHUNK)

    def _next(self) -> None:
        self.taken_s.append(time.perf_counter() - self._began)
        self.answers.append(b"".join(self._pieces))
        self._pieces, self._unread = [], b""
        if len(self.answers) < self._count:
            self.start()
        else:
            self.done.set_result(None)
            self._transport.close()


async def load(target: Target, *, connections: int, requests: int) -> Load:
    """Raises RuntimeError if an answer was none."""
    loop, request = asyncio.get_running_loop(), target.request()
    each = max(1, requests // connections)
    clients = [
        (await loop.create_connection(lambda: Client(request, each), "127.0.0.1", target.port))[1]
        for _ in range(connections)
    ]
    cpu, began = target.cpu_s(), time.perf_counter()
    for client in clients:
        client.start()
    await asyncio.gather(*(client.done for client in clients))
    wall, cpu = time.perf_counter() - began, target.cpu_s() - cpu
    answers = [answer for client in clients for answer in client.answers]
    return Load(
        wall_s=wall,
        requests=len(answers),
        tokens=sum(tokens_of(answer, target) for answer in answers),
        p50_ms=statistics.median([taken for client in clients for taken in client.taken_s]) * 1000,
        cpu_us=cpu / len(answers) * 1e6 if target.pids else None,
    )


def tokens_of(answer: bytes, target: Target) -> int:
    """As the usage tells; a stream that was not asked for it: its events."""
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"{target.name}: {answer[:500]!r}")
    if said := COMPLETION_TOKENS.search(answer):
        return int(said[1])
    return answer.count(b'"delta"')


def cpu_s(pid: int) -> float:
    """User and system time of all threads, in seconds; the kernel counts in hundredths."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S
