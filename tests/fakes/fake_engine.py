"""A small stand-in for vLLM's server: the same wire, and failures on demand. Runs in a thread of the test.

`engine.manner` decides how it answers: "good", "slow" (nothing until `release` is set), "pauses" (the same in
the middle of a stream), "context" (400 as vLLM words it), "busy" (503), "broken" (500), "unknown" (404: no
such adapter), "dies" (cuts the connection, of a stream in the middle), "error_event" (what vLLM sends when
its core dies), "first_event_error" (400 as the first event), "unended" (a stream without its end mark).
"""

import asyncio
import base64
import json
import struct
import sys
import threading
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from multidict import CIMultiDictProxy

WORDS = ("Paris", " is", " the", " capital", ".")
OUTPUTS = [2.0, -1.0, 0.5]
VECTORS = ([0.6, 0.8], [0.8, 0.6])  # of the first text, the second, and so on in turn
USAGE = {"prompt_tokens": 6, "completion_tokens": len(WORDS), "total_tokens": 6 + len(WORDS)}
CONTEXT = (
    "This model's maximum context length is 1024 tokens. However, your prompt contains 2000 input tokens, "
    "which exceeds this limit even without any output tokens. Please reduce the length of the input prompt."
)
FAILURES = {
    "context": (400, CONTEXT),
    "busy": (503, "busy"),
    "broken": (500, "x"),
    "unknown": (404, "no such model"),
}


class FakeEngine:
    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.manner = "good"
        self.requests: list[dict[str, Any]] = []
        self.headers: list[CIMultiDictProxy[str]] = []
        self.arrived = threading.Semaphore(0)
        self.cancelled = threading.Event()
        self.release = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release.set()
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_post("/v1/completions", self._completions)
        app.router.add_post("/v1/chat/completions", self._completions)
        app.router.add_post("/classify", self._completions)
        app.router.add_post("/v1/embeddings", self._completions)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stopped.wait()
        await runner.cleanup()

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(request.headers)
        self.arrived.release()
        try:
            await self._hold()
            if self.manner in FAILURES:
                status, message = FAILURES[self.manner]
                error = {"message": message, "type": "BadRequestError", "param": None, "code": status}
                return web.json_response({"error": error}, status=status)
            if body.get("stream"):
                return await self._stream(request, body)
            if self.manner == "dies":
                assert request.transport is not None
                request.transport.abort()
            return web.json_response(_whole(request.path, body, request.headers.get("X-Request-Id", "")))
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def _hold(self) -> None:
        while self.manner == "slow" and not self.release.is_set():
            await asyncio.sleep(0.01)

    async def _stream(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        request_id = request.headers.get("X-Request-Id", "")
        if self.manner == "first_event_error":
            await _send(response, {"error": {"message": CONTEXT, "code": 400}})
            return response
        for number, word in enumerate(WORDS):
            is_last = number == len(WORDS) - 1
            chunk = _chunk(request.path, body, word, request_id=request_id, last=is_last)
            await _send(response, chunk)
            if number == 1 and await self._interrupted(request, response):
                return response
        if (body.get("stream_options") or {}).get("include_usage"):
            chunk = _chunk(request.path, body, None, request_id=request_id, last=False)
            await _send(response, chunk | {"usage": USAGE})
        if self.manner != "unended":
            await response.write(b"data: [DONE]\n\n")
        return response

    async def _interrupted(self, request: web.Request, response: web.StreamResponse) -> bool:
        if self.manner == "dies":
            assert request.transport is not None
            request.transport.abort()
            return True
        if self.manner == "error_event":
            await _send(response, {"error": {"message": "EngineCore died", "type": "Internal", "code": 500}})
            await response.write(b"data: [DONE]\n\n")
            return True
        while self.manner == "pauses" and not self.release.is_set():
            await asyncio.sleep(0.01)
        return False


async def _send(response: web.StreamResponse, data: dict[str, Any]) -> None:
    await response.write(b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n")


def _whole(path: str, body: dict[str, Any], request_id: str) -> dict[str, Any]:
    if path == "/classify":
        return _outputs(body)
    if path == "/v1/embeddings":
        return _vectors(body)
    text = "".join(WORDS)
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "logprobs": None, "stop_reason": None}
    if path.endswith("/chat/completions"):
        choice["message"] = {"role": "assistant", "content": text, "tool_calls": [], "reasoning": None}
        kind, name = "chatcmpl", "chat.completion"
    else:
        choice["text"] = text
        kind, name = "cmpl", "text_completion"
    answer = {"id": f"{kind}-{request_id}", "object": name, "created": 1_741_570_283, "model": body["model"]}
    return answer | {"choices": [choice], "usage": USAGE, "kv_transfer_params": None}


def _outputs(body: dict[str, Any]) -> dict[str, Any]:
    entry = {"index": 0, "label": "LABEL_0", "probs": OUTPUTS, "num_classes": len(OUTPUTS)}
    usage = {"prompt_tokens": 6, "completion_tokens": 0, "total_tokens": 6}
    return {"id": "classify-1", "object": "list", "model": body["model"], "data": [entry], "usage": usage}


def _vectors(body: dict[str, Any]) -> dict[str, Any]:
    vectors = (VECTORS[index % 2] for index in range(len(body["input"])))
    data = [
        {"index": index, "object": "embedding", "embedding": _encoded(vector, body)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": 6, "completion_tokens": 0, "total_tokens": 6}
    return {"id": "embd-1", "object": "list", "model": body["model"], "data": data, "usage": usage}


def _encoded(vector: list[float], body: dict[str, Any]) -> list[float] | str:
    if body["encoding_format"] == "base64":
        return base64.b64encode(struct.pack("<2f", *vector)).decode()
    return vector


def _chunk(
    path: str, body: dict[str, Any], word: str | None, *, request_id: str, last: bool
) -> dict[str, Any]:
    name = "chat.completion.chunk" if path.endswith("/chat/completions") else "text_completion"
    chunk = {"id": f"chatcmpl-{request_id}", "object": name, "created": 1_741_570_283, "model": body["model"]}
    if word is None:
        return chunk | {"choices": []}
    content: dict[str, Any] = {"text": word} if name == "text_completion" else {"delta": {"content": word}}
    return chunk | {"choices": [{"index": 0, **content, "finish_reason": "stop" if last else None}]}


def main(manner: str) -> None:
    """As a process of its own: tells its port, and runs until it is killed."""
    with FakeEngine() as engine:
        engine.manner = manner
        print(engine.port, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
