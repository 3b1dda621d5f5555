"""How long a model's wake is likely to take. Asked for only by requests that are refused."""

import asyncio
import time

from embassy.deployments import wake_times
from embassy.deployments.routes import Route
from embassy.inference.database import Database
from embassy.inference.waiting_room import Identity, identity
from embassy.platform.errors import Unavailable

FRESH_S = 1.0
SHORTEST_S = 1.0
PATIENCE_S = 1.0  # whoever is refused has waited long enough already


class Estimates:
    """Many are refused at once; they share one look at the rows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[Identity, tuple[float, asyncio.Task[float]]] = {}

    async def seconds(self, route: Route) -> float:
        """Until it answers, from now on; never less than one."""
        oldest = time.monotonic() - FRESH_S
        self._known = {who: known for who, known in self._known.items() if known[0] > oldest}
        who = identity(route)
        if who not in self._known:
            self._known[who] = time.monotonic(), asyncio.create_task(self._look(route))
        look = self._known[who][1]
        await asyncio.wait({look}, timeout=PATIENCE_S)
        return max(SHORTEST_S, look.result() if look.done() else wake_times.UNKNOWN)

    async def _look(self, route: Route) -> float:
        try:
            return await self._database.run(lambda: wake_times.expected_seconds(route))
        except Unavailable:
            return wake_times.UNKNOWN
