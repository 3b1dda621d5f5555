"""Holds requests until their model can answer, and asks for its wake once however many wait."""

import asyncio
import time

from embassy.deployments import services
from embassy.deployments.routes import Route
from embassy.inference.database import Database
from embassy.inference.estimates import Estimates
from embassy.inference.patience import Patience
from embassy.inference.routing import RouteTable
from embassy.inference.waiting_room import Identity, WaitingRoom, identity
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound, Unavailable

LOOK_S = 0.5  # between looks at the routes when no nudge comes
TRY_AGAIN_S = 0.25  # between tries at an address where nobody answers
REPLACED_S = 2.0  # by then an engine that broke down is no longer offered
ASK_AGAIN_S = 5.0  # a wake that had no effect by then is asked for once more
ASK_S = 2.0  # who would not wait at all waits so long for the wake to be asked for
FAILED_RETRY_S = 30.0


class Waking:
    """All times are seconds on the monotonic clock."""

    def __init__(self, routes: RouteTable, database: Database) -> None:
        self._routes = routes
        self._database = database
        self._room = WaitingRoom()
        self._estimates = Estimates(database)
        self._asked: dict[Identity, tuple[float, asyncio.Task[None]]] = {}

    def waiting(self) -> int:
        """Requests that are held just now."""
        return self._room.taken

    async def ready(self, actor: Actor, model: str, patience: Patience) -> Route:
        """The route of this model once it can answer; raises Unavailable at the deadline."""
        route = await self._routes.find(actor, model)
        if route.state == "ready":
            return route
        _check_hope(model, route)
        await self._check_place(actor, model, route)
        patience.was_held = True
        with self._room.place(route):
            return await self._awake(actor, model, route, patience)

    async def moved(self, actor: Actor, model: str, stale: Route, patience: Patience) -> None:
        """Nobody answered at this route's address: return when it is worth trying again."""
        patience.was_held = True
        await self._routes.refresh()
        if await self._routes.find(actor, model) != stale:
            return
        left = patience.left
        if left <= 0:
            raise await self._not_yet(model, stale, "its engine does not answer")
        await self._check_place(actor, model, stale)
        patience.herald.waits("Its engine does not answer.")
        with self._room.place(stale):
            await asyncio.sleep(min(left, TRY_AGAIN_S))

    async def replaced(self, actor: Actor, model: str, stale: Route, patience: Patience) -> None:
        """The engine at this route broke down: return when another route is known, or one should long be."""
        await self._check_place(actor, model, stale)
        patience.was_held = True
        patience.herald.waits("Its engine broke down.")
        deadline = min(patience.deadline, time.monotonic() + REPLACED_S)
        with self._room.place(stale):
            while (left := deadline - time.monotonic()) > 0:
                if await self._routes.find(actor, model) != stale:
                    return
                await self._routes.next_snapshot(min(left, LOOK_S))

    async def _awake(self, actor: Actor, model: str, route: Route, patience: Patience) -> Route:
        while route.state != "ready":
            _check_hope(model, route)
            patience.herald.waits(route.reason or f"It is {route.state}.")
            if route.state == "asleep":
                await self._ask(actor, route, max(ASK_S, patience.left))
            left = patience.left
            if left <= 0:
                raise await self._not_yet(model, route, route.reason or f"it is {route.state}")
            await self._routes.next_snapshot(min(left, LOOK_S))
            route = await self._routes.find(actor, model)
        self._asked.pop(identity(route), None)
        patience.herald.is_up()
        return route

    async def _ask(self, actor: Actor, route: Route, seconds: float) -> None:
        who = identity(route)
        asked_at, asking = self._asked.get(who, (float("-inf"), None))
        if asking is None or time.monotonic() - asked_at > ASK_AGAIN_S:
            self._forget_old()
            asking = asyncio.create_task(self._wake(actor, route))
            self._asked[who] = time.monotonic(), asking
        await asyncio.wait({asking}, timeout=seconds)
        if asking.done():
            asking.result()  # what refused the wake is told to all who wait for it

    async def _wake(self, actor: Actor, route: Route) -> None:
        await self._database.run(lambda: services.wake(route=route, actor=actor))
        await self._routes.refresh()

    def _forget_old(self) -> None:
        oldest = time.monotonic() - ASK_AGAIN_S
        self._asked = {who: asked for who, asked in self._asked.items() if asked[0] > oldest}

    async def _check_place(self, actor: Actor, model: str, route: Route) -> None:
        if self._room.has_place(route):
            return
        if route.state == "asleep":  # others may fill the room: let it be up for the next try
            await self._ask(actor, route, ASK_S)
        wait = await self._estimates.seconds(route)
        raise Unavailable(
            f"Too many requests wait for {model} or for other models already. Try again in about"
            f" {wait:.0f} seconds.",
            code="too_many_waiting",
            retry_after=wait,
        )

    async def _not_yet(self, model: str, route: Route, reason: str) -> Unavailable:
        wait = await self._estimates.seconds(route)
        return Unavailable(
            f"{model} cannot answer yet: {reason.rstrip('.')}. Try again in about {wait:.0f} seconds, "
            "or let a request wait longer with the header X-Scale-Up-Timeout (seconds).",
            code="model_starting",
            retry_after=wait,
        )


def _check_hope(model: str, route: Route) -> None:
    if route.state == "failed":
        raise Unavailable(
            f"{model} cannot answer: {route.reason or 'its engine failed.'}",
            code="model_failed",
            retry_after=FAILED_RETRY_S,
        )
    if route.state == "terminated":
        raise NotFound(f"{model} was terminated. {route.reason}".strip(), code="model_terminated")
