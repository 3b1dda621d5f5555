"""A question of a signed-in visitor: the gateway's own handlers, with the session in place of an API key."""

import asyncio
from collections.abc import AsyncIterator

from django.http import HttpResponseBase, StreamingHttpResponse

from embassy.inference.app import ENDPOINTS, Gateway
from embassy.inference.call import Call, json_body, wake_timeout
from embassy.inference.database import Database
from embassy.inference.exchange import ClientGone, Exchange, Message, Scope
from embassy.inference.spending import Spent
from embassy.platform.actor import Actor
from embassy.platform.errors import EmbassyError
from embassy.platform.logs import request_id

START, BODY = "http.response.start", "http.response.body"


class Question:
    """One question and its answer, streamed as the engine makes it. `path` is one of the gateway's."""

    def __init__(self, actor: Actor, path: str, body: bytes, database: Database | None = None) -> None:
        self._actor = actor
        self._path = path
        self._body = body
        self._gateway = Gateway(database)
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue()
        self._is_answered = False

    async def response(self) -> HttpResponseBase:
        """Returns with the first of the answer, so that its status is known."""
        task = asyncio.create_task(self._run())
        first = await self._messages.get()
        if first is None:  # it ended without a word: `_run` raised
            await task
            raise EmbassyError("The answer ended before it began.")
        response = StreamingHttpResponse(self._parts(task), status=first["status"])
        # Its length too, where it is known: then nobody waits until it is all written down.
        for name, value in first["headers"]:
            response[name.decode().title()] = value.decode()
        return response

    async def _parts(self, task: "asyncio.Task[None]") -> AsyncIterator[bytes]:
        try:
            while (message := await self._messages.get()) is not None:
                if part := message.get("body"):
                    yield part
        finally:
            if not self._is_answered:
                task.cancel()  # nobody waits any more
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        exchange = Exchange(self._scope(), self._receive, self._messages.put)
        # It follows the nudges meanwhile, and so sees at once when the deployment has woken.
        await self._gateway.start()
        try:
            with self._gateway.meter.request() as spent:
                await self._answer(exchange, spent)
        except EmbassyError as error:
            await exchange.fail(error)
        except ClientGone:
            pass
        finally:
            self._is_answered = True  # from here on it is only counted, whoever leaves
            exchange.close()
            await self._gateway.stop()
            self._messages.put_nowait(None)

    async def _answer(self, exchange: Exchange, spent: Spent) -> None:
        body = await json_body(exchange)
        await self._gateway.log_book.watch(exchange, self._actor, body, spent)
        call = Call(self._gateway.backend, exchange, self._actor, body, wake_timeout(exchange), spent)
        await ENDPOINTS[self._path](call)

    async def _receive(self) -> Message:
        return {"type": "http.request", "body": self._body, "more_body": False}

    def _scope(self) -> Scope:
        headers = [(b"content-type", b"application/json"), (b"x-request-id", request_id.get().encode())]
        return {"type": "http", "method": "POST", "path": self._path, "headers": headers}
