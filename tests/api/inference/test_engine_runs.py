"""`GET /v1/engines/{engine_id}/runs`."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from embassy.deployments import services as deployments
from embassy.engines import observe
from embassy.engines.models import Engine, EngineRun
from embassy.platform.actor import Actor
from tests.factories.deployments import BASE, make_engine, run_engine


@pytest.fixture
def engine(actor: Actor) -> Engine:
    return deployments.create_engine(
        base_model=BASE, name="mine", task_type=None, resource_management=None, actor=actor
    )


def test_shows_the_newest_first(api: APIClient, engine: Engine) -> None:
    first = run_engine(engine)
    observe.stopped(engine=first, token=first.lease_token, reason="Nobody used it.")
    run_engine(engine)
    now = timezone.now()
    for run, minutes in zip(EngineRun.objects.order_by("id"), (60, 10), strict=True):
        began = now - timedelta(minutes=minutes)
        EngineRun.objects.filter(pk=run.pk).update(began_at=began, active_at=began + timedelta(seconds=2))
    EngineRun.objects.exclude(ended_at=None).update(ended_at=now - timedelta(minutes=30))

    present, past = api.get(f"/v1/engines/{engine.public_id}/runs").json()
    assert (present["ended_at"], past["reason"]) == (None, "Nobody used it.")
    assert present["engine_seconds"] == pytest.approx(598, abs=60)
    assert (past["engine_seconds"], past["start_seconds"]) == (1798, 2)
    assert len(api.get(f"/v1/engines/{engine.public_id}/runs?limit=1").json()) == 1


def test_a_run_that_never_served_counts_nothing(api: APIClient, engine: Engine) -> None:
    observe.claim(engine_pk=engine.pk)
    (run,) = api.get(f"/v1/engines/{engine.public_id}/runs").json()
    assert (run["active_at"], run["start_seconds"], run["engine_seconds"]) == (None, None, 0)


def test_engines_of_others_are_not_found(api: APIClient, other_api: APIClient, engine: Engine) -> None:
    assert other_api.get(f"/v1/engines/{engine.public_id}/runs").status_code == 404
    assert api.get(f"/v1/engines/{make_engine().public_id}/runs").status_code == 404
    assert api.get(f"/v1/engines/{engine.public_id}/runs?limit=0").status_code == 400
