"""The engine's own door."""

from collections.abc import MutableMapping
from typing import Any

import pytest

from embassy.engines.server.guard import RequireKey


async def status_of(path: str, headers: list[tuple[bytes, bytes]], kind: str = "http") -> int | None:
    sent: list[MutableMapping[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"status": 200})

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await RequireKey(app)({"type": kind, "path": path, "headers": headers}, None, send)  # type: ignore[arg-type]
    return sent[0].get("status")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBASSY_ENGINE_KEY", "secret")


@pytest.mark.parametrize(
    "path", ["/v1/completions", "/classify", "/pooling", "/metrics", "/tokenize", "/health/"]
)
async def test_everything_needs_the_key(path: str) -> None:
    assert await status_of(path, []) == 401
    assert await status_of(path, [(b"authorization", b"Bearer wrong")]) == 401
    assert await status_of(path, [(b"authorization", b"Bearer secret")]) == 200


async def test_health_and_startup_do_not() -> None:
    assert await status_of("/health", []) == 200
    assert await status_of("", [], kind="lifespan") == 200


def test_no_key_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMBASSY_ENGINE_KEY")
    with pytest.raises(KeyError):
        RequireKey(None)  # type: ignore[arg-type]
