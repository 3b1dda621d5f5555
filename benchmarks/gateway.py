"""What the gateway costs: CPU time for each request, and streams against a direct connection.

`python -m benchmarks.gateway` prints JSON. An engine that answers at once (a few lines of asyncio) stands
behind; key check, routing, rebuilding, shaping and metering are all on. Budget: 250 µs at one connection,
150 µs at 32, streams at 0.8 of direct.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
CHUNKS = 100  # events of a stream, a token each
MODEL = "tiny"

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
                "message": {"role": "assistant", "content": "word " * 20, "tool_calls": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 6, "total_tokens": 26, "completion_tokens": 20},
    }
).encode()


# --- The engine that answers at once -------------------------------------------------------------------


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
        if not separator or len(body) < _content_length(head):
            return
        self._held = b""
        if b'"stream":true' in body:
            self._write(iter(STREAM))
        else:
            self._transport.write(PLAIN)

    def _write(self, pieces: Iterator[bytes]) -> None:
        """Each piece by itself, as an engine does that has just computed it."""
        piece = next(pieces, None)
        if piece is not None and not self._transport.is_closing():
            self._transport.write(piece)
            asyncio.get_running_loop().call_soon(self._write, pieces)


def _content_length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])


async def serve_engine() -> None:
    server = await asyncio.get_running_loop().create_server(InstantEngine, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# --- The clients -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    port: int
    key: str = ""
    pid: int | None = None

    def request(self, *, stream: bool) -> bytes:
        body: dict[str, Any] = {
            "model": MODEL,
            "messages": [{"role": "user", "content": "Hello, how are you?"}],
        }
        body |= {"temperature": 0.7, "max_tokens": 20} | ({"stream": True} if stream else {})
        data = json.dumps(body, separators=(",", ":")).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        return head.encode() + data

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    if b"chunked" in head:
        await reader.readuntil(b"\r\n0\r\n\r\n")
    else:
        await reader.readexactly(_content_length(head))


async def connection(target: Target, request: bytes, count: int, taken: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port, limit=1 << 24)
    for _ in range(count):
        began = time.perf_counter()
        await ask(reader, writer, request)
        taken.append(time.perf_counter() - began)
    writer.close()


async def load(target: Target, *, connections: int, requests: int, stream: bool) -> dict[str, float]:
    taken: list[float] = []
    request = target.request(stream=stream)
    cpu, began = target.cpu_s() if target.pid else 0.0, time.perf_counter()
    each = requests // connections
    await asyncio.gather(*(connection(target, request, each, taken) for _ in range(connections)))
    wall = time.perf_counter() - began
    done = len(taken)
    result = {"per_s": done / wall, "p50_ms": statistics.median(taken) * 1000}
    if target.pid:
        result["cpu_us"] = (target.cpu_s() - cpu) / done * 1e6
    return result


# --- The gateway -----------------------------------------------------------------------------------------


async def application(scope: Any, receive: Any, send: Any) -> None:
    """The whole server, with one base model on the instant engine."""
    global _served
    if _served is None:
        _served = _real_application()
    await _served(scope, receive, send)


_served: Callable[[Any, Any, Any], Awaitable[None]] | None = None


def _real_application() -> Callable[[Any, Any, Any], Awaitable[None]]:
    from embassy.asgi import application
    from embassy.deployments import selectors
    from embassy.deployments.routes import Route

    route = Route(
        kind="base_model",
        models=(MODEL,),
        organization_id=None,
        project_id=None,
        deployment_pk=None,
        engine_pk=None,
        engine_id="engine-1",
        host="127.0.0.1",
        port=int(os.environ["BENCHMARK_ENGINE_PORT"]),
        api_key="secret",
        upstream_model="base",
        task_type="text-generation",
        prompt_prefix=None,
        prompt_suffix=None,
        context_length=1024,
        state="ready",
        reason="",
        cache_salt="salt",
    )
    selectors.routes = lambda: [route]
    return application


def make_key() -> str:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from embassy.projects import services
    from embassy.projects.models import User

    user = User.objects.create_user("benchmark@example.com", "a long password")
    organization = services.create_organization(name="Benchmark", owner=user)
    return services.create_api_key(organization=organization, user=user, name="benchmark")[1]


def started(stack: ExitStack, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    stack.callback(process.kill)
    return process


def start_engine(stack: ExitStack) -> Target:
    process = started(stack, "-m", "benchmarks.gateway", "--serve-engine")
    assert process.stdout is not None
    return Target(int(process.stdout.readline()))


def start_gateway(stack: ExitStack, engine: Target) -> Target:
    from embassy.platform.launcher.testing import running_stores

    os.environ.update(stack.enter_context(running_stores()))
    os.environ |= {"DJANGO_SETTINGS_MODULE": "embassy.platform.settings", "SECRET_KEY": "benchmark"}
    key = make_key()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ("--port", str(port), "--no-access-log", "--log-level", "warning")
    process = started(
        stack,
        *("-m", "uvicorn", "benchmarks.gateway:application", *options),
        BENCHMARK_ENGINE_PORT=str(engine.port),
    )
    target = Target(port, key, process.pid)
    wait_until_it_answers(target)
    return target


def wait_until_it_answers(target: Target) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            asyncio.run(load(target, connections=1, requests=1, stream=False))
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


# --- The measurement -------------------------------------------------------------------------------------


async def measure(engine: Target, gateway: Target, rounds: int) -> dict[str, Any]:
    """Medians over rounds in which direct and gateway take turns."""
    cases: dict[str, dict[str, Any]] = {
        "c1": {"connections": 1, "requests": 1_000, "stream": False},
        "c32": {"connections": 32, "requests": 3_200, "stream": False},
        "stream_c8": {"connections": 8, "requests": 160, "stream": True},
    }
    results: dict[str, Any] = {}
    for name, case in cases.items():
        seen: dict[str, list[dict[str, float]]] = {"direct": [], "gateway": []}
        for _ in range(rounds):
            seen["direct"].append(await load(engine, **case))
            seen["gateway"].append(await load(gateway, **case))
        results[name] = {target: medians(values) for target, values in seen.items()}
    stream = results["stream_c8"]
    stream["ratio"] = round(stream["gateway"]["per_s"] / stream["direct"]["per_s"], 3)
    stream["gateway"]["tokens_per_s"] = round(stream["gateway"]["per_s"] * CHUNKS)
    return results


def medians(values: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(value[key] for value in values), 2) for key in values[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve-engine", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve_engine:
        asyncio.run(serve_engine())
        return
    with ExitStack() as stack:
        engine = start_engine(stack)
        gateway = start_gateway(stack, engine)
        print(json.dumps(asyncio.run(measure(engine, gateway, arguments.rounds)), indent=2))


if __name__ == "__main__":
    main()
