"""What a supervisor may ask of an engine behind its door, and what stays shut."""

import json
from collections.abc import MutableMapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from embassy.engines.command import EngineOptions, engine_command
from embassy.engines.server.guard import RequireKey

KEY = [(b"authorization", b"Bearer secret")]


class Core:
    def __init__(self) -> None:
        self.told: list[Any] = []
        self.error: Exception | None = None

    async def is_sleeping(self) -> bool:
        return False

    async def sleep(self, level: int, mode: str) -> None:
        self.told.append((level, mode))

    async def wake_up(self, tags: None) -> bool:
        if self.error is not None:
            raise self.error
        self.told.append("wake")
        return True


async def ask(core: Core, path: str, headers: list[tuple[bytes, bytes]]) -> tuple[int, Any]:
    sent: list[MutableMapping[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("vLLM is not to see this")

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "headers": headers}
    scope["app"] = SimpleNamespace(state=SimpleNamespace(engine_client=core))
    await RequireKey(app)(scope, None, send)  # type: ignore[arg-type]
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBASSY_ENGINE_KEY", "secret")


async def test_sleep_lets_requests_finish_and_wake_brings_all_back() -> None:
    core = Core()
    assert await ask(core, "/embassy/alive", KEY) == (200, {"is_sleeping": False})
    assert await ask(core, "/embassy/sleep", KEY) == (200, {"is_sleeping": True})
    assert await ask(core, "/embassy/wake", KEY) == (200, {"is_sleeping": False})
    assert core.told == [(1, "wait"), "wake"]


@pytest.mark.parametrize("path", ["/embassy/alive", "/embassy/sleep", "/embassy/wake"])
async def test_nobody_without_the_key(path: str) -> None:
    core = Core()
    assert (await ask(core, path, []))[0] == 401
    assert core.told == []


async def test_a_wake_that_fails_says_why() -> None:
    core = Core()
    core.error = RuntimeError("CUDA out of memory.")
    status, body = await ask(core, "/embassy/wake", KEY)
    assert status == 500
    assert "CUDA out of memory." in body["error"]["message"]


def options(**changes: Any) -> EngineOptions:
    values: dict[str, Any] = {
        "model": Path("/models/tiny"),
        "folder": Path("/engines/engine-1"),
        "cache": Path("/cache"),
        "kind": "generate",
        "dtype": "bfloat16",
        "max_model_len": 1024,
        "kv_cache_bytes": 2**25,
        "host": "127.0.0.1",
        "port": 9000,
        "api_key": "secret",
    }
    return EngineOptions(**(values | changes))


def test_only_an_engine_on_a_gpu_can_sleep_and_vllms_own_calls_stay_shut() -> None:
    command = engine_command(options(device="cuda", can_sleep=True))
    assert "--enable-sleep-mode" in command.argv
    assert "VLLM_SERVER_DEV_MODE" not in command.env
    assert "--enable-sleep-mode" not in engine_command(options(device="cuda")).argv
    assert "--enable-sleep-mode" not in engine_command(options(device="cpu")).argv
    with pytest.raises(ValueError, match="cannot sleep"):
        engine_command(options(device="cpu", can_sleep=True))
