"""The whole server as one ASGI application: `uvicorn embassy.asgi:application`.

Requests that engines answer go to the gateway, stored files and streams of events to small applications
of their own, everything else to Django.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.core.asgi import get_asgi_application

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "embassy.platform.settings")
# First: it loads the apps, which the modules below need.
django: Application = get_asgi_application()

from embassy.console.job_stream import ConsoleStreams  # noqa: E402
from embassy.inference.app import Gateway  # noqa: E402
from embassy.inference.database import ThreadDatabase  # noqa: E402
from embassy.llama_stack.inference.endpoints import ENDPOINTS  # noqa: E402
from embassy.platform.files_app import files_app as files  # noqa: E402
from embassy.training.stream.app import EventStreams  # noqa: E402

gateway = Gateway(endpoints=ENDPOINTS)
streams = EventStreams(ThreadDatabase())
console_streams = ConsoleStreams(ThreadDatabase())


async def application(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        if gateway.handles(scope):
            await gateway(scope, receive, send)
        elif streams.handles(scope):
            await streams(scope, receive, send)
        elif console_streams.handles(scope):
            await console_streams(scope, receive, send)
        elif scope["path"].startswith("/files/"):
            await files(scope, receive, send)
        else:
            await django(scope, receive, send)
    elif scope["type"] == "lifespan":
        await _lifespan(receive, send)
    else:
        await send({"type": "websocket.close"})


async def _lifespan(receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await gateway.start()
        await send({"type": "lifespan.startup.complete"})
    await streams.stop()
    await console_streams.stop()
    await gateway.stop()
    await send({"type": "lifespan.shutdown.complete"})
