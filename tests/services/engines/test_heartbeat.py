"""The lease lives as long as the block, and its loss is seen."""

import pytest
from django.db import DatabaseError
from pytest_django import Settings

from embassy.engines import observe
from embassy.engines.models import Engine
from embassy.platform import leases
from embassy.platform.heartbeat import Heartbeat
from tests.factories.deployments import make_engine
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def engine(settings: Settings) -> Engine:
    settings.LEASE_SECONDS = 1
    engine = observe.claim(engine_pk=make_engine().pk)
    assert engine is not None
    return engine


def test_it_renews(engine: Engine) -> None:
    first = engine.lease_until
    assert first is not None
    with Heartbeat(engine, token=engine.lease_token) as heartbeat:
        wait_for(Engine.objects.filter(lease_until__gt=first).exists, "a later expiry")
        assert not heartbeat.lost


def test_another_owner_is_noticed(engine: Engine) -> None:
    with Heartbeat(engine, token=engine.lease_token) as heartbeat:
        Engine.objects.update(lease_token=engine.lease_token + 1)
        wait_for(lambda: heartbeat.lost, "the lease to be lost")


def test_database_that_stays_away_loses_the_lease(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> bool:
        raise DatabaseError

    monkeypatch.setattr(leases, "renew", fail)
    with Heartbeat(engine, token=engine.lease_token) as heartbeat:
        assert not heartbeat.lost
        wait_for(lambda: heartbeat.lost, "the lease to be lost")
