"""`/v1/completions` and `/v1/chat/completions`: one way through for both, plain and streamed."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from embassy.deployments.routes import Route
from embassy.inference import protocol, shapes
from embassy.inference.call import Call
from embassy.inference.errors import (
    EngineGone,
    EngineNotReached,
    engine_lost,
    failure_in_stream,
    of_answer,
    wrong_task,
)
from embassy.inference.protocol import TextRequest
from embassy.inference.relay import EventRelay
from embassy.inference.spending import Spent
from embassy.inference.upstream import EngineAnswer

TASK = "text-generation"
# It knows not our key or not this adapter: another engine is at this address, or it was just unloaded.
NOT_OURS = (401, 403, 404)


@dataclass(frozen=True)
class TextEndpoint:
    """`path` is the engine's."""

    path: str
    read: Callable[[dict[str, Any]], TextRequest]
    shape: Callable[..., dict[str, Any]]

    async def __call__(self, call: Call) -> None:
        request = self.read(call.body)
        route = await call.backend.routes.find(call.actor, request.model)
        if route.task_type != TASK:
            raise wrong_task(request.model, route.task_type, TASK)
        route, answer = await self._deliver(call, request)
        try:
            with call.backend.meter.use(call.actor, route) as spent:
                await self._answer(call, request, route, answer, spent)
        except EngineGone as error:
            raise engine_lost() from error
        finally:
            answer.close()

    async def _deliver(self, call: Call, request: TextRequest) -> tuple[Route, EngineAnswer]:
        """Send to wherever the model is by then, waiting for it if need be."""
        deadline = time.monotonic() + call.wake_timeout
        was_sent = False
        while True:
            route = await call.backend.waking.ready(call.actor, request.model, deadline=deadline)
            body = protocol.for_engine(request, route, call.actor.organization_id)
            try:
                answer = await call.backend.upstream.post(
                    route, self.path, body, request_id=call.exchange.engine_id
                )
            except EngineGone:
                if was_sent:  # once may be a connection that was just closed; twice may be our doing
                    raise engine_lost() from None
                was_sent = True
                continue
            except EngineNotReached:
                pass
            else:
                if answer.status not in NOT_OURS:
                    return route, answer
                answer.close()
            await call.backend.waking.moved(call.actor, request.model, route, deadline=deadline)

    async def _answer(
        self, call: Call, request: TextRequest, route: Route, answer: EngineAnswer, spent: Spent
    ) -> None:
        if answer.status != 200:
            body = await answer.read()
            raise of_answer(answer.status, body, model=request.model, retry_after=answer.retry_after)
        if request.is_stream:
            await _stream(call, request, route, answer, spent)
            return
        whole = parsed(await answer.read())
        spent.prompt_tokens, spent.completion_tokens = shapes.tokens_of(whole.get("usage"))
        shaped = self.shape(whole, model=request.model, route=route)
        await call.exchange.answer(200, orjson.dumps(shaped))


async def _stream(call: Call, request: TextRequest, route: Route, answer: EngineAnswer, spent: Spent) -> None:
    """The status is sent with the first event, so that what fails before it is a proper error."""
    relay = EventRelay(
        upstream_model=route.upstream_model, model=request.model, wants_usage=request.wants_usage
    )
    try:
        async for events in _events(relay, answer, request.model):
            if not call.exchange.is_started:
                await call.exchange.start_stream()
            await call.exchange.write(events)
    finally:
        spent.prompt_tokens, spent.completion_tokens = relay.tokens
    if not relay.is_done:
        raise engine_lost()
    await call.exchange.end_stream()


async def _events(relay: EventRelay, answer: EngineAnswer, model: str) -> AsyncIterator[bytes]:
    async for chunk in answer.chunks():
        if events := relay.feed(chunk):
            yield events
        if relay.failure is not None:
            raise failure_in_stream(relay.failure, model=model)


def parsed(body: bytes) -> dict[str, Any]:
    """An engine's answer; raises EngineGone if it is not a whole one."""
    try:
        data: dict[str, Any] = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise EngineGone from error
    return data


COMPLETIONS = TextEndpoint("/v1/completions", protocol.completion, shapes.completion)
CHAT_COMPLETIONS = TextEndpoint("/v1/chat/completions", protocol.chat, shapes.chat_completion)
