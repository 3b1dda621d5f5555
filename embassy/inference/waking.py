"""Holds requests until their model can answer, and asks for its wake once however many wait."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from embassy.deployments import services
from embassy.deployments.routes import Route
from embassy.inference.database import Database
from embassy.inference.routing import RouteTable
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound, Unavailable

MAX_WAITERS = 1_000
LOOK_S = 0.5  # between looks at the routes when no nudge comes
TRY_AGAIN_S = 0.25  # between tries at an address where nobody answers
ASK_AGAIN_S = 5.0  # a wake that had no effect by then is asked for once more
FIRST_ESTIMATE_S = 10.0

Identity = tuple[str, int | str]


class Waking:
    """All times are seconds on the monotonic clock."""

    def __init__(self, routes: RouteTable, database: Database) -> None:
        self._routes = routes
        self._database = database
        self._waiters = 0
        self._asked: dict[Identity, tuple[float, asyncio.Task[None]]] = {}
        self._estimate = FIRST_ESTIMATE_S

    async def ready(self, actor: Actor, model: str, *, deadline: float) -> Route:
        """The route of this model once it can answer; raises Unavailable at the deadline."""
        route = await self._routes.find(actor, model)
        if route.state == "ready":
            return route
        with self._place():
            return await self._awake(actor, model, route, deadline)

    async def moved(self, actor: Actor, model: str, stale: Route, *, deadline: float) -> None:
        """Nobody answered at this route's address: return when it is worth trying again."""
        await self._routes.refresh()
        if await self._routes.find(actor, model) != stale:
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._not_yet(model, "its engine does not answer")
        with self._place():
            await asyncio.sleep(min(left, TRY_AGAIN_S))

    async def _awake(self, actor: Actor, model: str, route: Route, deadline: float) -> Route:
        began = time.monotonic()
        while route.state != "ready":
            _check_hope(model, route)
            if route.state == "asleep":
                await self._ask(actor, route)
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._not_yet(model, route.reason or f"it is {route.state}")
            await self._routes.next_snapshot(min(left, LOOK_S))
            route = await self._routes.find(actor, model)
        self._asked.pop(_identity(route), None)
        self._estimate = (self._estimate + time.monotonic() - began) / 2
        return route

    async def _ask(self, actor: Actor, route: Route) -> None:
        identity = _identity(route)
        asked_at, asking = self._asked.get(identity, (float("-inf"), None))
        if asking is None or time.monotonic() - asked_at > ASK_AGAIN_S:
            self._forget_old()
            asking = asyncio.create_task(self._wake(actor, route))
            self._asked[identity] = time.monotonic(), asking
        await asyncio.shield(asking)

    async def _wake(self, actor: Actor, route: Route) -> None:
        await self._database.run(lambda: services.wake(route=route, actor=actor))
        await self._routes.refresh()

    def _forget_old(self) -> None:
        oldest = time.monotonic() - ASK_AGAIN_S
        self._asked = {key: asked for key, asked in self._asked.items() if asked[0] > oldest}

    def _not_yet(self, model: str, reason: str) -> Unavailable:
        wait = max(1.0, self._estimate)
        return Unavailable(
            f"{model} cannot answer yet: {reason.rstrip('.')}. Try again in about {wait:.0f} seconds, "
            "or let a request wait longer with the header X-Scale-Up-Timeout (seconds).",
            code="model_starting",
            retry_after=wait,
        )

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._waiters >= MAX_WAITERS:
            raise Unavailable(
                "Too many requests wait for models to start already. Try again in a few seconds.",
                code="too_many_waiting",
                retry_after=self._estimate,
            )
        self._waiters += 1
        try:
            yield
        finally:
            self._waiters -= 1


def _check_hope(model: str, route: Route) -> None:
    if route.state == "failed":
        raise Unavailable(
            f"{model} cannot answer: {route.reason or 'its engine failed.'}",
            code="model_failed",
            retry_after=30,
        )
    if route.state == "terminated":
        raise NotFound(f"{model} was terminated. {route.reason}".strip(), code="model_terminated")


def _identity(route: Route) -> Identity:
    return route.kind, route.models[0] if route.deployment_pk is None else route.deployment_pk
