"""Tells deployments what is in use, off the hot path."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from embassy.deployments import services
from embassy.deployments.routes import Route
from embassy.inference.database import Database
from embassy.platform.errors import Unavailable
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

FLUSH_S = 2.0

Place = tuple[int | None, int | None]  # primary keys of deployment and engine


class Meter:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._running: Counter[Place] = Counter()
        self._used: set[Place] = set()

    @contextmanager
    def use(self, route: Route) -> Iterator[None]:
        """While inside, and in this flush period, the route counts as in use."""
        place = route.deployment_pk, route.engine_pk
        self._running[place] += 1
        self._used.add(place)
        try:
            yield
        finally:
            self._running[place] -= 1

    async def keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        self._running = +self._running  # drops those at zero
        used, self._used = self._used | self._running.keys(), set()
        if not used:
            return
        deployments = {deployment for deployment, _ in used if deployment is not None}
        engines = {engine for _, engine in used if engine is not None}
        try:
            await self._database.run(lambda: services.touch(deployment_pks=deployments, engine_pks=engines))
        except Unavailable as error:
            self._used |= used
            log.warning("usage.kept", extra=fields(error=type(error.__cause__).__name__))
