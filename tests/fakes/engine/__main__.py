"""`python -m tests.fakes.engine --host H --port P …`."""

import argparse
import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Engine(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # connections come by the hundred

    def __init__(self, address: tuple[str, int], cache: Path) -> None:
        super().__init__(address, Handler)
        self.key = os.environ["EMBASSY_ENGINE_KEY"]
        self.cache = cache
        self.models = ["base"]
        self.is_sleeping = False

    def manner(self) -> str:
        path = self.cache / "manner"
        return path.read_text().strip() if path.exists() else ""

    def note(self, *words: str) -> None:
        with (self.cache / "calls").open("a") as file:
            file.write(" ".join(words) + "\n")


class Handler(BaseHTTPRequestHandler):
    server: Engine

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(503 if self.server.manner() == "deaf" else 200)
        elif not self.authorized():
            return
        elif self.path == "/embassy/alive":
            if self.server.manner() == "stuck":
                threading.Event().wait()
            self.answer(200, {"is_sleeping": self.server.is_sleeping})
        elif self.path == "/metrics":
            self.server.note("metrics", "1")
            running = float(self.server.manner() == "working")
            self.answer(200, text=f'vllm:num_requests_running{{engine="0"}} {running}\n')
        else:
            self.answer(200, {"data": [{"id": name} for name in self.server.models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if not self.authorized():
            return
        if self.path in ("/embassy/sleep", "/embassy/wake"):
            self.doze(self.path.rpartition("/")[2])
        elif self.path == "/v1/load_lora_adapter":
            self.load(body["lora_name"], Path(body["lora_path"]))
        elif self.path == "/v1/unload_lora_adapter":
            self.server.models.remove(body["lora_name"])
            self.server.note("unload", body["lora_name"])
            self.answer(200)
        elif body["model"] not in self.server.models:
            self.answer(404, {"error": {"message": "No such model."}})
        elif self.path == "/classify":
            self.classify(body)
        elif self.path == "/v1/embeddings":
            self.embed(body)
        else:
            self.chat(body)

    def doze(self, call: str) -> None:
        if call == "wake" and self.server.manner() == "no room":
            self.answer(500, {"error": {"message": "CUDA out of memory."}})
            return
        self.server.is_sleeping = call == "sleep"
        self.server.note(call, "1")
        self.answer(200, {"is_sleeping": self.server.is_sleeping})

    def load(self, name: str, path: Path) -> None:
        if self.server.manner() == "refuses":
            self.answer(400, {"error": {"message": "This adapter does not please."}})
            return
        assert (path / "adapter_config.json").is_file()
        self.server.models.append(name)
        self.server.note("load", name)
        self.answer(200)

    def chat(self, body: dict[str, Any]) -> None:
        question = body["messages"][-1]["content"]
        if self.server.manner() == "cuts short" and "max_tokens" in body:
            self.answer(400, {"error": {"message": "max_tokens is too large."}})
            return
        message = {"role": "assistant", "content": f"{body['model']}: {question}"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        self.answer(200, {"id": "chatcmpl-1", "created": 1, "choices": [choice], "usage": usage})

    def classify(self, body: dict[str, Any]) -> None:
        """The number in the question, and its opposite."""
        assert body["add_generation_prompt"] is True
        assert body["use_activation"] is False
        question = body["messages"][-1]["content"]
        if self.server.manner() == "refuses long" and len(question) > 20:
            self.answer(400, {"error": {"message": "This is too long."}})
            return
        number = float(question.split()[-1])
        self.answer(200, {"data": [{"probs": [number, -number]}]})

    def embed(self, body: dict[str, Any]) -> None:
        assert body["truncate_prompt_tokens"] == -1
        self.answer(200, {"data": [{"embedding": [float(len(body["input"])), 1.0]}]})

    def authorized(self) -> bool:
        if self.headers.get("Authorization") == f"Bearer {self.server.key}":
            return True
        self.answer(401)
        return False

    def answer(self, status: int, body: dict[str, Any] | None = None, *, text: str = "ok") -> None:
        content = json.dumps(body).encode() if body is not None else text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Keep the log for what the tests look for."""


def main(argv: list[str]) -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    options, _ = parser.parse_known_args(argv)
    engine = Engine((options.host, options.port), Path(os.environ["VLLM_CACHE_ROOT"]))
    engine.note("start", str(os.getpid()))
    if engine.manner() == "exits":
        print("ValueError: this model is too big")
        return 3
    stop = threading.Thread(target=engine.shutdown)
    signal.signal(
        signal.SIGTERM, signal.SIG_IGN if engine.manner() == "stubborn" else lambda *_: stop.start()
    )
    engine.serve_forever(poll_interval=0.05)
    engine.note("stop", str(os.getpid()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
