"""What the client of an engine makes of its answers, over real HTTP to a stand-in."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from embassy.engines.client import (
    Completion,
    EngineClient,
    EngineFailed,
    EngineRejected,
    EngineUnavailable,
    UnknownModel,
)

Answer = tuple[int, str]
Respond = Callable[[str, dict[str, Any]], Answer]


class Engine:
    """Answers as it is told and remembers what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Respond] = {"/health": (200, "")}
        self.seen: list[tuple[str, dict[str, Any], str | None]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def client(self) -> EngineClient:
        return EngineClient("127.0.0.1", self.server.server_port, "secret")

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def respond(self, path: str, body: dict[str, Any], authorization: str | None) -> Answer:
        self.seen.append((path, body, authorization))
        answer = self.answers[path]
        return answer if isinstance(answer, tuple) else answer(path, body)

    def _handler(engine) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - self is the handler's below
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, text = engine.respond(
                    self.path, json.loads(body or "{}"), self.headers["Authorization"]
                )
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST  # noqa: N815 - the name that http.server calls

            def log_message(self, *args: object) -> None:
                pass

        return Handler


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


def refusal(sentence: str) -> str:
    return json.dumps({"error": {"message": sentence, "type": "BadRequestError", "code": 400}})


def test_ready_means_healthy_and_serving_the_name(engine: Engine) -> None:
    engine.answers["/v1/models"] = (200, '{"data":[{"id":"base"},{"id":"dp-1"}]}')
    assert engine.client.is_ready("dp-1")
    assert not engine.client.is_ready("dp-2")
    engine.answers["/health"] = (503, "")
    assert not engine.client.is_ready("dp-1")


def test_nobody_answers(engine: Engine) -> None:
    engine.close()
    assert not engine.client.is_healthy()
    assert not engine.client.is_ready("base")
    with pytest.raises(EngineUnavailable, match="does not answer"):
        engine.client.model_names()


def test_the_key_is_sent(engine: Engine) -> None:
    engine.client.is_healthy()
    assert engine.seen[0][2] == "Bearer secret"


def test_load_and_unload(engine: Engine) -> None:
    engine.answers["/v1/load_lora_adapter"] = (200, "Success: loaded")
    engine.answers["/v1/unload_lora_adapter"] = (200, "Success: removed")
    engine.client.load_adapter("dp-1", Path("/a"))
    engine.client.unload_adapter("dp-1")
    assert [body for _, body, _ in engine.seen] == [
        {"lora_name": "dp-1", "lora_path": "/a"},
        {"lora_name": "dp-1"},
    ]


def test_loading_twice_and_unloading_what_is_gone_are_fine(engine: Engine) -> None:
    engine.answers["/v1/load_lora_adapter"] = (400, refusal("The lora adapter 'a' has already been loaded."))
    engine.answers["/v1/unload_lora_adapter"] = (404, refusal("The lora adapter 'a' cannot be found."))
    engine.client.load_adapter("a", Path("/a"))
    engine.client.unload_adapter("a")


def test_an_adapter_that_the_engine_cannot_load(engine: Engine) -> None:
    engine.answers["/v1/load_lora_adapter"] = (500, refusal("LoRA rank 128 is greater than 64."))
    with pytest.raises(EngineRejected, match="LoRA rank 128"):
        engine.client.load_adapter("a", Path("/a"))
    engine.answers["/v1/load_lora_adapter"] = (404, refusal("No adapter found for /a"))
    with pytest.raises(EngineRejected, match="No adapter found"):
        engine.client.load_adapter("a", Path("/a"))


def test_a_load_during_the_engines_end_may_be_tried_again(engine: Engine) -> None:
    engine.answers["/v1/load_lora_adapter"] = (500, refusal("EngineCore encountered an issue."))
    engine.answers["/health"] = (503, "")
    with pytest.raises(EngineFailed):
        engine.client.load_adapter("a", Path("/a"))


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, EngineRejected), (404, UnknownModel), (500, EngineFailed), (503, EngineUnavailable)],
)
def test_refusals(engine: Engine, status: int, error: type[Exception]) -> None:
    engine.answers["/v1/completions"] = (status, refusal("Because."))
    with pytest.raises(error, match=r"^Because\.$"):
        engine.client.complete("base", ["a"], parameters={})


def test_a_refusal_without_a_sentence(engine: Engine) -> None:
    engine.answers["/v1/completions"] = (502, "")
    with pytest.raises(EngineRejected, match="status 502"):
        engine.client.complete("base", ["a"], parameters={})


def echo(path: str, body: dict[str, Any]) -> Answer:
    text = body.get("prompt") or body["messages"][0]["content"]
    choice = {"text": text, "message": {"content": text}, "finish_reason": "stop"}
    return 200, json.dumps({"choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 2}})


def test_many_completions_keep_their_order(engine: Engine) -> None:
    engine.answers["/v1/completions"] = echo
    prompts = [str(number) for number in range(40)]
    answers = engine.client.complete("base", prompts, parameters={"max_tokens": 5}, concurrency=8)
    assert [answer.text for answer in answers] == prompts
    assert all(body["max_tokens"] == 5 and body["model"] == "base" for _, body, _ in engine.seen)


def test_chat(engine: Engine) -> None:
    engine.answers["/v1/chat/completions"] = echo
    talk = [{"role": "user", "content": "hi"}]
    assert engine.client.chat("base", [talk], parameters={}) == [Completion("hi", "stop", 1, 2)]


def test_classify_and_embed(engine: Engine) -> None:
    engine.answers["/classify"] = (200, '{"data":[{"probs":[0.5,-1.0]}]}')
    engine.answers["/v1/embeddings"] = (200, '{"data":[{"embedding":[1.0,0.0]}]}')
    assert engine.client.classify("c", ["a", "b"], activation=False) == [[0.5, -1.0]] * 2
    assert engine.client.embed("base", ["a"]) == [[1.0, 0.0]]
    assert engine.seen[0][1]["use_activation"] is False
