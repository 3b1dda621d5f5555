"""A gateway behind a real server, a stand-in engine, and a key; deployments are as the test says."""

from collections.abc import Iterator

import httpx
import pytest

from embassy.projects import selectors
from tests.factories.projects import make_key, make_organization
from tests.factories.routes import make_base_route
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.served_gateway import Offer, ServedGateway

TIMEOUT = 30


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture
def offer(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Offer:
    """At first: the base model "tiny" on `engine`."""
    offer = Offer([make_base_route(engine.port)])
    offer.install(monkeypatch)
    return offer


@pytest.fixture
def gateway(offer: Offer, transactional_db: None) -> Iterator[ServedGateway]:
    with ServedGateway() as served:
        yield served


@pytest.fixture
def client(gateway: ServedGateway) -> Iterator[httpx.Client]:
    """With a good key of an organization whose primary key is in `client.organization_id`."""
    row, plain = make_key(make_organization())
    with httpx.Client(base_url=gateway.url, headers={"X-API-Key": plain}, timeout=TIMEOUT) as client:
        client.organization_id = selectors.actor_of_key(row).organization_id  # type: ignore[attr-defined]
        client.key = row  # type: ignore[attr-defined]
        yield client
