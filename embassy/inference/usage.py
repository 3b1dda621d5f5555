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
from embassy.inference.exchange import ClientGone
from embassy.inference.series import SERIES
from embassy.inference.spending import ABANDONED, BROKEN, Account, Outcome, Spent, Total, Use
from embassy.platform.errors import EmbassyError, Unavailable
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

FLUSH_S = 2.0


class Meter:
    """A request costs a few additions here; rows are written every two seconds, in one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._running: Counter[Use] = Counter()
        self._used: set[Use] = set()
        self._totals: dict[Account, Total] = {}
        self._strays: Counter[Outcome] = Counter()

    @contextmanager
    def request(self) -> Iterator[Spent]:
        """One request, from its first byte on. It is counted on the way out, however it ends."""
        spent = Spent()
        try:
            yield spent
        except EmbassyError as error:
            spent.failed(error)
            raise
        except (ClientGone, asyncio.CancelledError):
            spent.outcome = ABANDONED
            raise
        except Exception:
            spent.outcome = BROKEN
            raise
        finally:
            self._leave(spent)

    def enter(self, spent: Spent, route: Route, *, was_held: bool = False) -> None:
        """It goes to this engine: until it is over, and in this flush period, the route counts as in use.

        May be called again, if it has to be sent elsewhere.
        """
        assert spent.account is not None
        if spent.use is not None:
            self._running[spent.use] -= 1
        use = spent.use = spent.account, route.engine_pk
        self._running[use] += 1
        self._used.add(use)
        spent.was_held, spent.sent_at = was_held, time.monotonic()

    def in_flight(self) -> Counter[Account]:
        """Requests that engines have just now."""
        found: Counter[Account] = Counter()
        for (account, _), count in list(self._running.items()):
            found[account] += count
        return found

    def _leave(self, spent: Spent) -> None:
        if spent.use is not None:
            self._running[spent.use] -= 1
        if spent.trace is not None:
            spent.trace.end(spent)
        if spent.account is None:
            self._strays[spent.outcome] += 1
            return
        total = self._totals.get(spent.account)
        if total is None:
            total = self._totals[spent.account] = Total()
        total.count(spent, time.monotonic())

    async def keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        """Write down what there is; what cannot be written is kept for the next time."""
        self._running = +self._running  # drops those at zero
        used, self._used = self._used | self._running.keys(), set()
        totals, self._totals = self._totals, {}
        strays, self._strays = self._strays, Counter()
        SERIES.fold(totals, strays)
        if not used and not totals:
            return
        try:
            await self._database.run(lambda: _write(used, totals))
        except Unavailable as error:
            log.warning("usage.kept", extra=fields(error=type(error.__cause__).__name__))
            self._keep(used, totals)

    def _keep(self, used: set[Use], totals: dict[Account, Total]) -> None:
        self._used |= used
        for account, total in totals.items():
            self._totals.setdefault(account, Total()).add(total)


def _write(used: set[Use], totals: dict[Account, Total]) -> None:
    if used:
        deployments.touch(
            deployment_pks={who.deployment_pk for who, _ in used if who.deployment_pk is not None},
            engine_pks={engine for _, engine in used if engine is not None},
        )
    services.add_usage(totals=totals, at=timezone.now())
