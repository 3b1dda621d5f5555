"""The way to the engines, and the only module that knows the HTTP client's exceptions."""

from collections.abc import Collection

from embassy.deployments.routes import Route
from embassy.inference.errors import EngineGone, EngineNotReached, EngineTimeout
from embassy.inference.http_client import Address, Answer, ConnectError, LostError, Pool, SilenceError

CONNECT_S = 2.0
SILENCE_S = 600.0  # without a byte: a long answer that is not streamed comes all at once
SETTLE_S = 1.0
# vLLM's server closes a connection that was idle for 5 s; a request had better not meet that.
KEEP_ALIVE_S = 4.0


class EngineAnswer:
    """An answer whose status is here. Close it: if it was not read whole, that stops the engine's work."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.retry_after = answer.retry_after
        self._answer = answer

    async def read(self) -> bytes:
        """All of it. Raises EngineGone, EngineTimeout."""
        try:
            return await self._answer.read()
        except LostError as error:
            raise EngineGone from error
        except SilenceError as error:
            raise _silent() from error

    async def more(self) -> bytes:
        """What has come since, at least a byte; nothing at the end. Raises EngineGone, EngineTimeout."""
        try:
            return await self._answer.more()
        except LostError as error:
            raise EngineGone from error
        except SilenceError as error:
            raise _silent() from error

    async def settle(self) -> None:
        """All was said: give the engine a moment to end its answer, so that the connection can be kept."""
        await self._answer.settle(SETTLE_S)

    def close(self) -> None:
        self._answer.close()


class Upstream:
    def __init__(self) -> None:
        self._pool = Pool(connect_s=CONNECT_S, keep_s=KEEP_ALIVE_S)

    async def post(
        self, route: Route, path: str, body: bytes, *, request_id: str, headers: dict[str, str] | None = None
    ) -> EngineAnswer:
        """Send; return as soon as there is a status. Raises EngineNotReached, EngineGone, EngineTimeout."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {route.host}:{route.port}\r\n"
            f"Authorization: Bearer {route.api_key}\r\nX-Request-Id: {request_id}\r\n{_lines(headers)}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            address = (route.host, route.port)
            return EngineAnswer(await self._pool.send(address, head.encode() + body, silence_s=SILENCE_S))
        except ConnectError as error:
            raise EngineNotReached from error
        except LostError as error:
            raise EngineGone from error
        except SilenceError as error:
            raise _silent() from error

    @property
    def addresses(self) -> set[Address]:
        """Engines to which there is a connection now."""
        return self._pool.addresses

    def cut(self, addresses: Collection[Address]) -> None:
        """No engine is there any more: whoever waits for its answer hears that it is gone."""
        self._pool.cut(addresses)

    async def close(self) -> None:
        self._pool.close()


def _lines(headers: dict[str, str] | None) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()) if headers else ""


def _silent() -> EngineTimeout:
    return EngineTimeout(
        f"The engine sent nothing for {SILENCE_S:.0f} seconds. Ask for fewer tokens, or stream."
    )
