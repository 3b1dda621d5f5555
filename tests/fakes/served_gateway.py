"""The gateway behind a real server in a thread of the test, with deployments as the test says."""

import asyncio
import socket
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import pytest
import uvicorn

from embassy.deployments import selectors, services
from embassy.deployments.routes import Route
from embassy.inference.app import Gateway
from embassy.llama_stack.inference.endpoints import ENDPOINTS
from embassy.platform import notify
from embassy.platform.actor import Actor


@dataclass
class Offer:
    """What deployments say, and what the gateway asked of them. `on_wake` runs in place of a wake-up."""

    routes: list[Route] = field(default_factory=list)
    wakes: list[Route] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    on_wake: Any = None
    reads: int = 0

    def say(self, *routes: Route) -> None:
        """Offer these from now on; the gateway will hear of it in a moment."""
        self.routes = list(routes)
        self._nudge()

    def change(self, *routes: Route) -> None:
        """Offer these from now on; returns when the gateway goes by them."""
        self.routes = list(routes)
        for _ in range(2):  # when the gateway begins its second look, it has taken over the first
            self._nudge_until_read()

    def _nudge_until_read(self) -> None:
        seen, deadline = self.reads, time.monotonic() + 10
        self._nudge()
        while self.reads == seen:
            assert time.monotonic() < deadline, "the gateway does not look"
            time.sleep(0.002)

    def _nudge(self) -> None:
        with notify.connect() as client:
            client.publish(notify.ROUTES, "")

    def read(self) -> list[Route]:
        self.reads += 1
        return self.routes

    def wake(self, *, route: Route, actor: Actor) -> None:
        self.wakes.append(route)
        if self.on_wake is not None:
            self.on_wake(route)

    def touch(self, *, deployment_pks: set[int], engine_pks: set[int]) -> None:
        self.touched |= deployment_pks

    def install(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(selectors, "routes", self.read)
        patch.setattr(services, "wake", self.wake)
        patch.setattr(services, "touch", self.touch)


class ServedGateway:
    """Use it as a context; `url` is its address."""

    def __init__(self) -> None:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._listener = listener
        self._server = uvicorn.Server(uvicorn.Config(_application, lifespan="on", log_level="warning"))
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))


_gateway: Gateway | None = None


async def _application(scope: Any, receive: Any, send: Any) -> None:
    global _gateway
    if scope["type"] != "lifespan":
        assert _gateway is not None
        await _gateway(scope, receive, send)
        return
    await receive()
    _gateway = Gateway(endpoints=ENDPOINTS)
    await _gateway.start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await _gateway.stop()
    await send({"type": "lifespan.shutdown.complete"})
