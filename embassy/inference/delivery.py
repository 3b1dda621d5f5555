"""One request to an engine: it waits for the model, follows it when it moves, and is counted."""

import time
from collections.abc import Callable
from typing import Any

import orjson

from embassy.deployments.routes import Route
from embassy.inference.call import Call
from embassy.inference.endpoints import check_task
from embassy.inference.errors import EngineGone, EngineNotReached, engine_lost, of_answer
from embassy.inference.herald import NOBODY, Herald
from embassy.inference.patience import Patience
from embassy.inference.shapes import tokens_of
from embassy.inference.upstream import EngineAnswer

Body = Callable[[Route], bytes]

# It knows not our key or not this adapter: another engine is at this address, or it was just unloaded.
NOT_OURS = (401, 403, 404)
# All who waited for a wake come at once, and the engine's queue is bounded: they did not wait to be refused.
BUSY = 503
# It dies, or drains because its worker died: the next one may have the request. Once, lest it be our doing.
BROKEN = 500


async def ask(call: Call, model: str, task: str, path: str, body: Body) -> tuple[Route, dict[str, Any]]:
    """The engine's whole answer, and the route that gave it; raises EmbassyError if there is none."""
    route, answer = await deliver(call, model, task, path, body)
    try:
        whole = await read_whole(answer, model)
        call.spent.prompt_tokens, call.spent.completion_tokens = tokens_of(whole.get("usage"))
    except EngineGone as error:
        raise engine_lost() from error
    finally:
        answer.close()
    return route, whole


async def deliver(
    call: Call, model: str, task: str, path: str, body: Body, *, herald: Herald = NOBODY
) -> tuple[Route, EngineAnswer]:
    """Send to wherever the model is by then, waiting for it if need be. `path` is the engine's."""
    route = await call.backend.routes.find(call.actor, model)
    check_task(model, does=route.task_type, wanted=task)
    call.spent.asked(call.actor, route)
    patience = Patience(time.monotonic() + call.wake_timeout, herald)
    was_sent = was_broken = False
    while True:
        route = await call.backend.waking.ready(call.actor, model, patience)
        call.backend.meter.enter(call.spent, route, was_held=patience.was_held)
        trace = call.spent.trace
        headers = trace.sends(route, path, was_held=patience.was_held) if trace is not None else None
        try:
            answer = await call.backend.upstream.post(
                route, path, body(route), request_id=call.exchange.engine_id, headers=headers
            )
        except EngineGone:
            if was_sent:  # once may be a connection that was just closed; twice may be our doing
                raise engine_lost() from None
            was_sent = True
            continue
        except EngineNotReached:
            pass
        else:
            if answer.status == BUSY and patience.was_held and patience.left > 0:
                answer.close()
                await patience.pause()
                continue
            if answer.status == BROKEN and not was_broken:
                was_broken = True
                answer.close()
                await call.backend.waking.replaced(call.actor, model, route, patience)
                continue
            if answer.status not in NOT_OURS:
                return route, answer
            answer.close()
        await call.backend.waking.moved(call.actor, model, route, patience)


async def check_status(answer: EngineAnswer, model: str) -> None:
    """Raises what the engine's refusal means, and EngineGone."""
    if answer.status != 200:
        body = await answer.read()
        raise of_answer(answer.status, body, model=model, retry_after=answer.retry_after)


async def read_whole(answer: EngineAnswer, model: str) -> dict[str, Any]:
    """Raises EngineGone if it is not a whole one."""
    await check_status(answer, model)
    try:
        data: dict[str, Any] = orjson.loads(await answer.read())
    except orjson.JSONDecodeError as error:
        raise EngineGone from error
    return data
