"""The gateway for a server that has nothing but Django: the same handler, once for each request.

Under `embassy.asgi` no request comes this way. Here a stream is collected before it is sent, nothing is
kept between requests, and rows are read in the caller's own transaction.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse

from embassy.inference.app import Endpoint, Gateway
from embassy.inference.database import CallerDatabase
from embassy.inference.exchange import Message, Scope
from embassy.platform.logs import request_id


@dataclass
class CollectedAnswer:
    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        else:
            self.body += message["body"]

    def to_django(self) -> HttpResponse:
        response = HttpResponse(bytes(self.body), status=self.status)
        for name, value in self.headers:
            response[name.decode().title()] = value.decode()
        return response


def answer(request: HttpRequest, *, endpoints: Mapping[str, Endpoint] | None = None) -> HttpResponse:
    """`endpoints` are those of the family that asks."""
    return async_to_sync(_answer)(_scope(request), request.body, endpoints)


async def _answer(scope: Scope, body: bytes, endpoints: Mapping[str, Endpoint] | None) -> HttpResponse:
    collected = CollectedAnswer()
    gateway = Gateway(CallerDatabase(), endpoints=endpoints)

    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()  # nobody can tell us that the client has left
        return messages.pop()

    try:
        await gateway(scope, receive, collected.send)
    finally:
        await gateway.stop()
    return collected.to_django()


def _scope(request: HttpRequest) -> Scope:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in request.headers.items()]
    headers.append((b"x-request-id", request_id.get().encode()))
    return {"type": "http", "method": request.method, "path": request.path, "headers": headers}
