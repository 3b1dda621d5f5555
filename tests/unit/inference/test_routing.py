"""Which route a name means to whom, and when the snapshot is read."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from embassy.deployments import selectors
from embassy.deployments.routes import Route
from embassy.inference.routing import RouteTable, by_name, look_up
from embassy.platform.actor import Actor
from embassy.platform.errors import Forbidden, NotFound, Unavailable
from tests.factories.routes import make_base_route, make_route

T = TypeVar("T")


def actor(**limits: Any) -> Actor:
    return Actor(organization_id=1, user_id=1, user_public_id="user-1", **limits)


class Rows:
    """A database that counts reads, and can be away."""

    def __init__(self, *routes: Route) -> None:
        self.routes = list(routes)
        self.reads = 0
        self.is_away = False

    async def run(self, function: Callable[[], T]) -> T:
        self.reads += 1
        await asyncio.sleep(0)
        if self.is_away:
            raise Unavailable("away")
        return function()

    def close(self) -> None: ...


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Rows:
    rows = Rows(make_route(), make_base_route())
    monkeypatch.setattr(selectors, "routes", lambda: rows.routes)
    return rows


def test_every_name_leads_to_its_route() -> None:
    snapshot = by_name([make_route(), make_base_route()])

    assert look_up(snapshot, actor(), "support") == look_up(snapshot, actor(), "dp-1") == make_route()
    assert look_up(snapshot, actor(), "tiny") == make_base_route()
    assert look_up(snapshot, actor(), "other") is None


def test_other_organizations_have_other_names() -> None:
    theirs = make_route(organization_id=2)

    assert look_up(by_name([theirs]), actor(), "support") is None


def test_ones_own_deployment_comes_before_a_base_model() -> None:
    ours = make_route(models=("tiny",))

    assert look_up(by_name([make_base_route(), ours]), actor(), "tiny") == ours


def test_a_live_route_comes_before_one_that_is_over() -> None:
    over = make_route(state="terminated", deployment_pk=1)
    live = make_route(deployment_pk=2)

    for routes in ([over, live], [live, over]):
        assert look_up(by_name(routes), actor(), "support") == live


def test_a_keys_projects_hide_what_is_in_others() -> None:
    snapshot = by_name([make_route(project_id=5), make_base_route()])

    assert look_up(snapshot, actor(projects=frozenset({6})), "support") is None
    assert look_up(snapshot, actor(projects=frozenset({5})), "support") is not None
    assert look_up(snapshot, actor(projects=frozenset({6})), "tiny") is not None


async def test_a_keys_models_may_be_named_by_any_of_their_names(rows: Rows) -> None:
    table = RouteTable(rows)

    assert await table.find(actor(models=frozenset({"dp-1"})), "support") == make_route()
    with pytest.raises(Forbidden):
        await table.find(actor(models=frozenset({"dp-1"})), "tiny")


async def test_known_names_cost_no_read(rows: Rows) -> None:
    table = RouteTable(rows)
    await table.refresh()

    for _ in range(5):
        await table.find(actor(), "support")

    assert rows.reads == 1


async def test_an_unknown_name_costs_one_read_however_many_ask(rows: Rows) -> None:
    table = RouteTable(rows)
    await table.refresh()

    results = await asyncio.gather(
        *(table.find(actor(), "nobody") for _ in range(20)), return_exceptions=True
    )

    assert all(isinstance(result, NotFound) for result in results)
    assert rows.reads <= 3


async def test_a_read_that_began_earlier_is_not_taken_for_a_fresh_look(rows: Rows) -> None:
    table = RouteTable(rows)
    earlier = asyncio.create_task(table.look_again())
    await asyncio.sleep(0)
    rows.routes.append(make_route(models=("late",)))

    assert await table.find(actor(), "late")
    await earlier


async def test_while_the_database_is_away_the_old_snapshot_serves(rows: Rows) -> None:
    table = RouteTable(rows)
    await table.refresh()
    rows.is_away = True

    await table.refresh()

    assert await table.find(actor(), "support") == make_route()
    with pytest.raises(Unavailable):
        await table.find(actor(), "nobody")


async def test_who_waits_hears_of_the_next_snapshot(rows: Rows) -> None:
    table = RouteTable(rows)
    waiting = asyncio.create_task(table.next_snapshot(30))
    await asyncio.sleep(0)

    await table.refresh()

    await asyncio.wait_for(waiting, 5)


async def test_a_look_just_as_another_ends_begins_anew(rows: Rows) -> None:
    """It once found the ended read still in place, and waited for it without ever letting go of the loop."""
    table = RouteTable(rows)
    ended = table._next

    async def look_again_at_once() -> None:
        await ended.wait()
        await table.look_again()

    looking = asyncio.create_task(look_again_at_once())
    await asyncio.sleep(0)
    await table.look_again()

    await asyncio.wait_for(looking, 5)
    assert rows.reads == 2
