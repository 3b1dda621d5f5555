"""Counts what was answered and tells deployments what is in use, off the hot path."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone

from embassy.deployments import services as deployments
from embassy.deployments.routes import Route
from embassy.inference import services
from embassy.inference.database import Database
from embassy.inference.spending import Account, Spent, account_of
from embassy.platform.actor import Actor
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
        self._spent: dict[Account, Spent] = {}

    @contextmanager
    def use(self, actor: Actor, route: Route) -> Iterator[Spent]:
        """While inside, and in this flush period, the route counts as in use.

        Write the tokens into what it yields; they count however it ends.
        """
        place = route.deployment_pk, route.engine_pk
        self._running[place] += 1
        self._used.add(place)
        spent, began = Spent(requests=1), time.monotonic()
        try:
            yield spent
        finally:
            self._running[place] -= 1
            spent.milliseconds = (time.monotonic() - began) * 1000
            self._spent.setdefault(account_of(actor, route), Spent()).add(spent)

    async def keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        """Write down what there is; what cannot be written is kept for the next time."""
        self._running = +self._running  # drops those at zero
        used, self._used = self._used | self._running.keys(), set()
        spent, self._spent = self._spent, {}
        if not used:
            return
        try:
            await self._database.run(lambda: _write(used, spent))
        except Unavailable as error:
            log.warning("usage.kept", extra=fields(error=type(error.__cause__).__name__))
            self._keep(used, spent)

    def _keep(self, used: set[Place], spent: dict[Account, Spent]) -> None:
        self._used |= used
        for account, amount in spent.items():
            self._spent.setdefault(account, Spent()).add(amount)


def _write(used: set[Place], spent: dict[Account, Spent]) -> None:
    deployments.touch(
        deployment_pks={deployment for deployment, _ in used if deployment is not None},
        engine_pks={engine for _, engine in used if engine is not None},
    )
    services.add_usage(spent=spent, at=timezone.now())
