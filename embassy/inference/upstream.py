"""The one client of the engines, and the only module that knows its exceptions."""

from collections.abc import AsyncIterator
from functools import lru_cache

import aiohttp
from yarl import URL

from embassy.deployments.routes import Route
from embassy.inference.errors import EngineGone, EngineNotReached, EngineTimeout

CONNECT_S = 2.0
SILENCE_S = 600.0  # without a byte: a long answer that is not streamed comes all at once
# vLLM's server closes a connection that was idle for 5 s; a request must not meet that.
KEEP_ALIVE_S = 4.0
AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding")

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S)


class EngineAnswer:
    """An answer whose headers are here. Close it: if it was not read whole, that stops the engine's work."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.retry_after = response.headers.get("Retry-After")
        self._response = response

    async def read(self) -> bytes:
        """All of it. Raises EngineGone, EngineTimeout."""
        try:
            return await self._response.read()
        except TimeoutError as error:
            raise _silent() from error
        except (aiohttp.ClientError, OSError) as error:
            raise EngineGone from error

    async def chunks(self) -> AsyncIterator[bytes]:
        """Bytes as they come. Raises EngineGone, EngineTimeout."""
        try:
            while chunk := await self._response.content.readany():
                yield chunk
        except TimeoutError as error:
            raise _silent() from error
        except (aiohttp.ClientError, OSError) as error:
            raise EngineGone from error

    def close(self) -> None:
        self._response.close()


class Upstream:
    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def post(self, route: Route, path: str, body: bytes, *, request_id: str) -> EngineAnswer:
        """Send; return as soon as there is a status. Raises EngineNotReached, EngineGone, EngineTimeout."""
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {route.api_key}",
            "X-Request-Id": request_id,
        }
        url = _url(route.host, route.port, path)
        try:
            return EngineAnswer(await self._open().post(url, data=body, headers=headers))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise EngineNotReached from error
        except TimeoutError as error:
            raise _silent() from error
        except (aiohttp.ClientError, OSError) as error:
            raise EngineGone from error

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=_TIMEOUT,
                skip_auto_headers=AUTOMATIC,
                auto_decompress=False,
            )
        return self._session


@lru_cache(maxsize=1024)
def _url(host: str, port: int, path: str) -> URL:
    return URL.build(scheme="http", host=host, port=port, path=path)


def _silent() -> EngineTimeout:
    return EngineTimeout(
        f"The engine sent nothing for {SILENCE_S:.0f} seconds. Ask for fewer tokens, or stream."
    )
