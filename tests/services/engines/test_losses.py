"""A process that runs an engine is lost: the engine is due again, and is not to blame once it served."""

import pytest

from embassy.engines import observe, reconcile
from embassy.engines.models import Engine
from embassy.engines.models.engine import START_ATTEMPTS
from embassy.engines.states import EngineStatus, Wanted
from tests.factories.deployments import make_engine, run_engine

pytestmark = pytest.mark.django_db

GONE = "nowhere:1"


def lose(engine: Engine) -> Engine:
    Engine.objects.filter(pk=engine.pk).update(lease_owner=GONE, lease_until="2020-01-01T00:00:00Z")
    reconcile.free_dead_leases()
    engine.refresh_from_db()
    return engine


def test_one_that_served_is_due_at_once_however_often() -> None:
    engine = make_engine()

    for _ in range(START_ATTEMPTS + 1):
        engine = lose(run_engine(engine))
        assert (engine.status, engine.wanted) == (EngineStatus.CREATING, Wanted.ACTIVE)
        assert (engine.failures, engine.retry_at, engine.published_at) == (0, None, None)


def test_one_that_never_served_is_given_up_in_the_end() -> None:
    engine = make_engine(failures=START_ATTEMPTS - 1)
    claimed = observe.claim(engine_pk=engine.pk)
    assert claimed is not None

    assert lose(claimed).gave_up
