"""The gateway: a slim ASGI application for the requests that are answered by engines.

It shares Django's models and settings, but a request costs no query: keys and routes come from snapshots
that Redis nudges keep fresh. docs/inference.md follows one request through.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from embassy.engines import selectors as engines
from embassy.inference.backend import Backend
from embassy.inference.call import Call, json_body, wake_timeout
from embassy.inference.classification import classify
from embassy.inference.database import Database, ThreadDatabase
from embassy.inference.embeddings import embed
from embassy.inference.exchange import ClientGone, Exchange, Receive, Scope, Send
from embassy.inference.generation import CHAT_COMPLETIONS, COMPLETIONS
from embassy.inference.keys import KeyDoor
from embassy.inference.limits import Limits
from embassy.inference.nudges import Nudges
from embassy.inference.regression import estimate
from embassy.inference.request_logs.book import LogBook
from embassy.inference.routing import FRESH_S, RouteTable
from embassy.inference.series import PRESENT
from embassy.inference.spending import Account, Spent
from embassy.inference.tracing import RequestTrace
from embassy.inference.upstream import Upstream
from embassy.inference.usage import Meter
from embassy.inference.waking import Waking
from embassy.platform import notify, tracing
from embassy.platform.cancellation import end
from embassy.platform.errors import EmbassyError, Forbidden
from embassy.platform.logs import fields
from embassy.projects.authentication import key_from_headers
from embassy.projects.roles import may_only_look

log = logging.getLogger(__name__)

Endpoint = Callable[[Call], Awaitable[None]]

SCOPE = "inference:write"
RESTART_S = 1.0

ENDPOINTS: dict[str, Endpoint] = {
    "/v1/completions": COMPLETIONS,
    "/v1/chat/completions": CHAT_COMPLETIONS,
    "/v1/classification": classify,
    "/v1/embeddings": embed,
    "/v1/regression": estimate,
}


class Gateway:
    """`start` and `stop` it with the server; without that it works too, reading rows as it needs them.

    `endpoints` are those of other API families, by their addresses.
    """

    def __init__(
        self, database: Database | None = None, *, endpoints: Mapping[str, Endpoint] | None = None
    ) -> None:
        self.endpoints = {**ENDPOINTS, **(endpoints or {})}
        self.database: Database = database or ThreadDatabase()
        self.keys = KeyDoor(self.database)
        self.routes = RouteTable(self.database)
        self.upstream = Upstream()
        self.waking = Waking(self.routes, self.database)
        self.meter = Meter(self.database)
        self.limits = Limits()
        self.log_book = LogBook(self.routes, self.database)
        self.backend = Backend(self.routes, self.waking, self.upstream, self.meter, self.database)
        self._tasks: list[asyncio.Task[None]] = []
        self._tracer = tracing.tracer()
        PRESENT.add(self)

    def in_flight(self) -> Mapping[Account, int]:
        """Requests that engines have just now."""
        return self.meter.in_flight()

    def waiting(self) -> int:
        """Requests that are held until their models are up."""
        return self.waking.waiting()

    def handles(self, scope: Scope) -> bool:
        return scope["path"] in self.endpoints and scope["method"] == "POST"

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(_forever(self._follow_nudges)),
            asyncio.create_task(_forever(self.meter.keep_flushing)),
            asyncio.create_task(_forever(self.log_book.keep_flushing)),
            asyncio.create_task(_forever(self.limits.keep_sharing)),
        ]

    async def stop(self) -> None:
        await end(self._tasks)
        await self.meter.flush()
        await self.log_book.flush()
        await self.upstream.close()
        await asyncio.to_thread(self.database.close)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        try:
            with self.meter.request() as spent:
                await self._serve(exchange, spent)
        except EmbassyError as error:
            await exchange.fail(error)
        except ClientGone:
            pass
        except asyncio.CancelledError:
            if not exchange.is_abandoned:
                raise
        except Exception:
            log.exception("request.failed", extra=fields(path=exchange.path))
            await exchange.fail(
                EmbassyError("Something went wrong on our side. The request id is in X-Request-Id.")
            )
        finally:
            exchange.close()

    async def _serve(self, exchange: Exchange, spent: Spent) -> None:
        if self._tracer is not None:
            spent.trace = RequestTrace(self._tracer, exchange)
        plain = key_from_headers(exchange.header(b"x-api-key"), exchange.header(b"authorization"))
        actor = await self.keys.actor(plain)
        if not actor.has(SCOPE):
            raise Forbidden(f"This API key lacks the scope {SCOPE}.", code="missing_scope")
        if not actor.rights.writes_somewhere:
            raise may_only_look()
        self.limits.enter(actor, exchange, spent)
        patience = wake_timeout(exchange)
        body = await json_body(exchange)
        if spent.trace is not None:
            spent.trace.asks(body)
        exchange.end_with_client()
        await self.log_book.watch(exchange, actor, body, spent)
        await self.endpoints[exchange.path](Call(self.backend, exchange, actor, body, patience, spent))

    async def _follow_nudges(self) -> None:
        nudges = Nudges(notify.ROUTES)
        try:
            while True:
                if await nudges.wait(FRESH_S):
                    self.keys.expire()
                await self.routes.refresh()
                self.routes.followed()
                await self._cut_lost_engines()
        finally:
            await nudges.close()

    async def _cut_lost_engines(self) -> None:
        """A host that vanished closes no connection; its lease runs out, and then its engine is nowhere."""
        suspects = self.upstream.addresses - self.routes.addresses
        if suspects:
            served = await self.database.run(engines.addresses)
            self.upstream.cut(suspects - served)


async def _forever(work: Callable[[], Awaitable[None]]) -> None:
    """A flaw in background work is told and survived: without it requests would see old routes for ever."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("background.failed")
            await asyncio.sleep(RESTART_S)
