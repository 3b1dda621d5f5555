"""`/v1/completions` and `/v1/chat/completions`: one way through for both, plain and streamed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from embassy.deployments.routes import Route
from embassy.inference import protocol, shapes
from embassy.inference.call import Call
from embassy.inference.delivery import check_status, deliver, read_whole
from embassy.inference.endpoints import TEXT
from embassy.inference.errors import EngineGone, engine_lost, failure_in_stream
from embassy.inference.herald import NOBODY, Herald, StreamHerald
from embassy.inference.protocol import TextRequest
from embassy.inference.relay import EventRelay
from embassy.inference.upstream import EngineAnswer


@dataclass(frozen=True)
class TextEndpoint:
    """`path` is the engine's."""

    path: str
    read: Callable[[dict[str, Any]], TextRequest]
    shape: Callable[..., dict[str, Any]]

    def relay(self, request: TextRequest, route: Route) -> EventRelay:
        """What passes a stream on."""
        return EventRelay(
            upstream_model=route.upstream_model, model=request.model, wants_usage=request.wants_usage
        )

    async def keep(self, call: Call, request: TextRequest, answer: dict[str, Any]) -> None:
        """Called with a whole answer before it is sent."""

    async def keep_stream(self, call: Call, request: TextRequest, relay: EventRelay) -> None:
        """Called before a stream's last events are sent."""

    async def __call__(self, call: Call) -> None:
        request = self.read(call.body)
        organization = call.actor.organization_id
        herald = StreamHerald(call.exchange) if request.is_stream else NOBODY
        try:
            route, answer = await deliver(
                call,
                request.model,
                TEXT,
                self.path,
                lambda route: protocol.for_engine(request, route, organization),
                herald=herald,
            )
            await self._pass_on(call, request, route, answer, herald)
        finally:
            herald.hush()

    async def _pass_on(
        self, call: Call, request: TextRequest, route: Route, answer: EngineAnswer, herald: Herald
    ) -> None:
        try:
            await self._answer(call, request, route, answer, herald)
        except EngineGone as error:
            raise engine_lost() from error
        finally:
            answer.close()

    async def _answer(
        self, call: Call, request: TextRequest, route: Route, answer: EngineAnswer, herald: Herald
    ) -> None:
        if request.is_stream:
            await check_status(answer, request.model)
            await self._stream(call, request, self.relay(request, route), answer, herald)
            return
        whole = await read_whole(answer, request.model)
        call.spent.prompt_tokens, call.spent.completion_tokens = shapes.tokens_of(whole.get("usage"))
        shaped = self.shape(whole, model=request.model, route=route)
        await self.keep(call, request, shaped)
        await call.exchange.answer(200, orjson.dumps(shaped))

    async def _stream(
        self, call: Call, request: TextRequest, relay: EventRelay, answer: EngineAnswer, herald: Herald
    ) -> None:
        """The status is sent with the first event, so that what fails before it is a proper error."""
        try:
            while data := await answer.more():
                events = relay.feed(data)
                if relay.is_done:
                    await self.keep_stream(call, request, relay)
                if events:
                    await _write(call, events, herald, is_last=relay.is_done)
                if relay.failure is not None:
                    raise failure_in_stream(relay.failure, model=request.model)
                if relay.is_done:
                    break
        finally:
            call.spent.prompt_tokens, call.spent.completion_tokens = relay.tokens
        if not relay.is_done:
            raise engine_lost()
        await answer.settle()


async def _write(call: Call, events: bytes, herald: Herald, *, is_last: bool) -> None:
    if not call.spent.first_at:
        call.spent.first_at = time.monotonic()
        herald.hush()
        if not call.exchange.is_started:
            await call.exchange.start_stream()
    await call.exchange.write(events, is_last=is_last)


COMPLETIONS = TextEndpoint("/v1/completions", protocol.completion, shapes.completion)
CHAT_COMPLETIONS = TextEndpoint("/v1/chat/completions", protocol.chat, shapes.chat_completion)
