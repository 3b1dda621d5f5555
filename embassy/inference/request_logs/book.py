"""Collects recordings of the requests of logged deployments, and writes them in batches."""

import asyncio
import logging
from collections import deque
from functools import partial
from typing import Any

from embassy.inference.database import Database
from embassy.inference.exchange import Exchange
from embassy.inference.recording import Recording
from embassy.inference.request_logs import services
from embassy.inference.request_logs.entries import Finished
from embassy.inference.routing import RouteTable
from embassy.inference.spending import Spent
from embassy.platform.actor import Actor
from embassy.platform.errors import Unavailable
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

FLUSH_S = 1.0
BATCH = 100
MAX_WAITING = 5_000
MAX_WAITING_BYTES = 64 * 1024 * 1024


class LogBook:
    """A request never waits for its log: what does not fit into memory is dropped and counted."""

    def __init__(self, routes: RouteTable, database: Database) -> None:
        self._routes = routes
        self._database = database
        self._waiting: deque[Finished] = deque()
        self._bytes = 0
        self._dropped = 0

    async def watch(self, exchange: Exchange, actor: Actor, body: dict[str, Any], spent: Spent) -> None:
        """Record this request from now on, if the model that it names keeps its requests."""
        model = body.get("model")
        route = await self._routes.peek(actor, model) if isinstance(model, str) else None
        if route is None or not route.log_requests or route.deployment_pk is None:
            return
        exchange.recording = recording = Recording(
            deployment_pk=route.deployment_pk,
            key_pk=actor.key_id,
            path=exchange.path,
            request_id=exchange.request_id,
            request=body,
            size=exchange.body_size,
        )
        exchange.closing.append(partial(self._take, recording, spent))

    async def keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        """Write what there is. While the database is away it is kept, as far as there is room."""
        if self._dropped:
            log.warning("request_logs.dropped", extra=fields(count=self._dropped))
            self._dropped = 0
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            size = sum(entry.recording.size for entry in batch)
            self._bytes -= size
            try:
                await self._database.run(partial(services.write, finished=batch))
            except Unavailable as error:
                log.warning("request_logs.kept", extra=fields(error=type(error.__cause__).__name__))
                self._waiting.extendleft(reversed(batch))
                self._bytes += size
                return

    def _take(self, recording: Recording, spent: Spent) -> None:
        recording.closed()
        if len(self._waiting) >= MAX_WAITING or self._bytes + recording.size > MAX_WAITING_BYTES:
            self._dropped += 1
            return
        self._bytes += recording.size
        self._waiting.append(Finished(recording, spent.prompt_tokens, spent.completion_tokens))
