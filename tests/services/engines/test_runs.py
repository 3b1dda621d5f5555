"""The history of an engine: who ran it, since when it served, and why it ended."""

import pytest

from embassy.engines import observe, reconcile
from embassy.engines.models import Engine, EngineRun
from embassy.platform import leases
from tests.factories.deployments import ago, make_engine, run_engine, stop_engine

pytestmark = pytest.mark.django_db


def test_a_claim_opens_a_run_and_release_closes_it() -> None:
    engine = run_engine(make_engine())
    run = EngineRun.objects.get(engine=engine)
    assert (run.token, run.host) == (engine.lease_token, leases.owner_name().rpartition(":")[0])
    assert run.active_at is not None
    assert run.ended_at is None

    observe.stopped(engine=engine, token=engine.lease_token, reason="Nobody used it.")
    run.refresh_from_db()
    assert run.ended_at is not None
    assert run.reason == "Nobody used it."


def test_a_start_that_fails_never_was_active() -> None:
    engine = observe.claim(engine_pk=make_engine().pk)
    assert engine is not None
    observe.failed(engine=engine, token=engine.lease_token, reason="No memory.")
    run = EngineRun.objects.get(engine=engine)
    assert (run.active_at, run.reason) == (None, "No memory.")
    assert run.ended_at is not None


def test_a_run_of_a_dead_process_is_closed_by_the_reconciler() -> None:
    engine = run_engine(make_engine())
    Engine.objects.update(lease_until=ago(1))
    reconcile.free_dead_leases()
    run = EngineRun.objects.get(engine=engine)
    assert run.ended_at is not None
    assert "process" in run.reason


def test_who_lost_the_lease_closes_nothing() -> None:
    engine = run_engine(make_engine())
    Engine.objects.update(lease_token=engine.lease_token + 1)
    with pytest.raises(observe.LeaseLost):
        observe.stopped(engine=engine, token=engine.lease_token, reason="Late.")
    assert EngineRun.objects.get(engine=engine).ended_at is None


def test_each_run_has_its_own_row() -> None:
    engine = make_engine()
    for _ in range(2):
        run_engine(engine)
        stop_engine(engine)
    assert EngineRun.objects.filter(engine=engine).exclude(ended_at=None).count() == 2
