"""A gateway behind a real server, a stand-in engine, and a key; deployments are as the test says.

The gateway reads rows over its own connections, so they are committed. One gateway and one key serve a
whole module, because emptying the tables after each test takes longer than the test.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from embassy.platform.actor import Actor
from embassy.projects import selectors
from tests.factories.projects import make_key, make_organization
from tests.factories.routes import make_base_route
from tests.fakes.committed import committed_rows
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.served_gateway import Offer, ServedGateway

TIMEOUT = 30


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with committed_rows(django_db_blocker):
        yield


@pytest.fixture(scope="module")
def gateway(committed: None) -> Iterator[ServedGateway]:
    with ServedGateway() as served:
        yield served


@pytest.fixture(scope="module")
def caller(committed: None) -> tuple[Actor, str]:
    row, plain = make_key(make_organization())
    return selectors.actor_of_key(row), plain


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture
def db(committed: None) -> None:
    """Committed rows in place of a transaction; the name tells pytest-django to make the database."""


@pytest.fixture
def offer(db: None, gateway: ServedGateway, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Offer:
    """At first: the base model "tiny" on `engine`."""
    offer = Offer()
    offer.install(monkeypatch)
    offer.change(make_base_route(engine.port))
    return offer


@pytest.fixture
def organization_id(caller: tuple[Actor, str]) -> int:
    return caller[0].organization_id


@pytest.fixture
def client(gateway: ServedGateway, offer: Offer, caller: tuple[Actor, str]) -> Iterator[httpx.Client]:
    """With a good key of the organization with `organization_id`."""
    with httpx.Client(base_url=gateway.url, headers={"X-API-Key": caller[1]}, timeout=TIMEOUT) as client:
        yield client
