"""One request to an engine: it waits for the model, follows it when it moves, and is counted."""

import time
from collections.abc import Awaitable, Callable
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
    delivery = Delivery(call, model, path, body, patience)
    while True:
        route = await call.backend.waking.ready(call.actor, model, patience)
        answer = await delivery.attempt(route)
        if answer is not None:
            return route, answer


class Delivery:
    """One request on its way to an engine, with what was tried already."""

    def __init__(self, call: Call, model: str, path: str, body: Body, patience: Patience) -> None:
        self._call, self._model, self._path, self._body = call, model, path, body
        self._patience = patience
        self._was_sent = self._was_broken = False

    async def attempt(self, route: Route) -> EngineAnswer | None:
        """The engine's answer; None once it is worth trying again. Raises EmbassyError."""
        try:
            answer = await self._post(route)
        except EngineGone:
            if self._was_sent:  # once may be a connection that was just closed; twice may be our doing
                raise engine_lost() from None
            self._was_sent = True
            return None
        except EngineNotReached:
            await self._wait_until_moved(route)
            return None
        if (wait := self._before_another(answer.status)) is None:
            return answer
        answer.close()
        await wait(route)
        return None

    async def _post(self, route: Route) -> EngineAnswer:
        call, was_held = self._call, self._patience.was_held
        call.backend.meter.enter(call.spent, route, was_held=was_held)
        trace = call.spent.trace
        headers = trace.sends(route, self._path, was_held=was_held) if trace is not None else None
        return await call.backend.upstream.post(
            route, self._path, self._body(route), request_id=call.exchange.engine_id, headers=headers
        )

    def _before_another(self, status: int) -> Callable[[Route], Awaitable[None]] | None:
        """What to wait for before the next attempt; None: this is the answer."""
        if status == BUSY and self._patience.was_held and self._patience.left > 0:
            return self._pause
        if status == BROKEN and not self._was_broken:
            self._was_broken = True
            return self._wait_until_replaced
        return self._wait_until_moved if status in NOT_OURS else None

    async def _pause(self, _: Route) -> None:
        await self._patience.pause()

    async def _wait_until_replaced(self, route: Route) -> None:
        await self._call.backend.waking.replaced(self._call.actor, self._model, route, self._patience)

    async def _wait_until_moved(self, route: Route) -> None:
        await self._call.backend.waking.moved(self._call.actor, self._model, route, self._patience)


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
