"""An engine answers nobody who lacks its key. vLLM's own check leaves /classify, /pooling and more open."""

import hmac
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from embassy.engines.server import control

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

KEY_VARIABLE = "EMBASSY_ENGINE_KEY"
_OPEN_PATHS = frozenset({"/health"})
_BODY = b'{"error":{"message":"This engine needs its key.","type":"Unauthorized","code":401}}'


class RequireKey:
    """ASGI middleware: 401 to all but /health unless the request brings `Authorization: Bearer KEY`."""

    def __init__(self, app: App) -> None:
        """Reads the key from the environment; raises KeyError if there is none."""
        self._app = app
        self._expected = b"Bearer " + os.environ[KEY_VARIABLE].encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan" or scope.get("path") in _OPEN_PATHS or self._has_key(scope):
            if scope.get("path") in control.CALLS:
                await control.answer(scope, send)
            else:
                await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": _BODY})

    def _has_key(self, scope: Scope) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(given, self._expected)
