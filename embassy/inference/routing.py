"""Model name → route, from a snapshot of what deployments offer."""

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import suppress

from embassy.deployments import selectors
from embassy.deployments.routes import Route
from embassy.inference.database import Database
from embassy.inference.errors import unknown_model
from embassy.platform.actor import Actor
from embassy.platform.errors import Forbidden, Unavailable
from embassy.platform.logs import fields
from embassy.projects.roles import may_only_look

log = logging.getLogger(__name__)

FRESH_S = 2.0

Snapshot = dict[tuple[int | None, str], Route]


def by_name(routes: Iterable[Route]) -> Snapshot:
    """Every name that a route answers to; of two live routes with one name the one that is not over wins."""
    snapshot: Snapshot = {}
    for route in routes:
        for model in route.models:
            held = snapshot.get((route.organization_id, model))
            if held is None or held.state == "terminated":
                snapshot[route.organization_id, model] = route
    return snapshot


def look_up(snapshot: Snapshot, actor: Actor, model: str) -> Route | None:
    """The organization's own deployment of this name, else the base model, if the key may see it."""
    route = snapshot.get((actor.organization_id, model)) or snapshot.get((None, model))
    if route is None:
        return None
    limits = actor.projects
    if limits is not None and route.project_id is not None and route.project_id not in limits:
        return None
    return route


def check_allowed(actor: Actor, route: Route, model: str) -> None:
    """Raises Forbidden. The base models, which belong to no project, take the role in the organization."""
    if not actor.rights.writes_in(route.project_id):
        raise may_only_look()
    if actor.models is not None and actor.models.isdisjoint(route.models):
        raise Forbidden(
            f"This API key may not use {model}. It is limited to: {', '.join(sorted(actor.models))}.",
            code="model_not_allowed",
        )


class RouteTable:
    """The newest snapshot. It is read again by `keep_fresh` at the latest after two seconds, or on demand."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._snapshot: Snapshot = {}
        self._read_at = float("-inf")  # when the read behind the snapshot began, on the monotonic clock
        self._reading: asyncio.Task[None] | None = None
        self._next = asyncio.Event()
        self._is_followed = False

    async def find(self, actor: Actor, model: str) -> Route:
        """The route of a model that this actor may use; raises NotFound, or Forbidden."""
        if not self._is_followed and time.monotonic() - self._read_at > FRESH_S:
            await self.look_again()
        route = look_up(self._snapshot, actor, model)
        if route is None:
            await self.look_again()
            route = look_up(self._snapshot, actor, model)
        if route is None:
            raise unknown_model(model)
        check_allowed(actor, route, model)
        return route

    async def peek(self, actor: Actor, model: str) -> Route | None:
        """As `find`, but from what is known already, and whether or not the key may use it."""
        if self._read_at == float("-inf"):
            await self.look_again()
        return look_up(self._snapshot, actor, model)

    @property
    def addresses(self) -> set[tuple[str, int]]:
        """Host and port of every engine that some model is on."""
        return {(route.host, route.port) for route in self._snapshot.values() if route.port}

    async def look_again(self) -> None:
        """Return once a read that began after this call is in the snapshot; raises Unavailable."""
        asked_at = time.monotonic()
        while self._read_at < asked_at:
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
                self._reading.add_done_callback(_hear_out)
            await asyncio.shield(self._reading)

    def followed(self) -> None:
        """From now on somebody refreshes at every nudge, and at the latest after two seconds."""
        self._is_followed = True

    async def refresh(self) -> None:
        """Look again, and live with the old snapshot while the database is away."""
        try:
            await self.look_again()
        except Unavailable as error:
            log.warning("routes.stale", extra=fields(error=type(error.__cause__).__name__))

    async def next_snapshot(self, seconds: float) -> None:
        """Return when there is a newer snapshot, or after `seconds`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._next.wait(), seconds)

    async def _read(self) -> None:
        began = time.monotonic()
        try:
            routes = await self._database.run(selectors.routes)
        finally:
            # Here, not when the task is seen to be done: who looks in between would wait for what is over.
            self._reading = None
        self._snapshot, self._read_at = by_name(routes), began
        event, self._next = self._next, asyncio.Event()
        event.set()


def _hear_out(reading: "asyncio.Task[None]") -> None:
    """Whoever waits hears of a failure; nobody may wait any more."""
    if not reading.cancelled():
        reading.exception()
