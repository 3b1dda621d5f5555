"""What an engine's supervisor asks of it beyond vLLM's own API: is the core alive, sleep, wake up.

vLLM has such calls only beside others that would run anybody's code (VLLM_SERVER_DEV_MODE), so that stays
off. These stand behind the guard, so they need the engine's key like all else.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Answer = dict[str, Any]

SLEEP_LEVEL = 1  # weights to the host's memory, the cache dropped: the GPU is free


async def alive(core: Any) -> Answer:
    """It comes back from the core's own loop: one that is stuck does not answer."""
    return {"is_sleeping": await core.is_sleeping()}


async def sleep(core: Any) -> Answer:
    """Requests in flight are finished first."""
    await core.sleep(SLEEP_LEVEL, "wait")
    return {"is_sleeping": True}


async def wake(core: Any) -> Answer:
    return {"is_sleeping": not await core.wake_up(None)}


CALLS: dict[str, Callable[[Any], Awaitable[Answer]]] = {
    "/embassy/alive": alive,
    "/embassy/sleep": sleep,
    "/embassy/wake": wake,
}


async def answer(scope: Scope, send: Send) -> None:
    """Answer a path of CALLS: 200, or 500 with what went wrong."""
    core = scope["app"].state.engine_client
    try:
        status, body = 200, await CALLS[scope["path"]](core)
    except (RuntimeError, ValueError) as error:
        status, body = 500, {"error": {"message": f"{type(error).__name__}: {error}"}}
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
