"""A process that runs an engine is lost: the engine is due again, and is not to blame once it served."""

import os
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from embassy.engines import launch, observe, queue, reconcile
from embassy.engines.models import Engine
from embassy.engines.models.engine import START_ATTEMPTS
from embassy.engines.observe import LONGEST_PAUSE
from embassy.engines.states import EngineStatus, Wanted
from tests.factories.deployments import ago, make_engine, run_engine
from tests.factories.hosts import make_host

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


def test_one_that_never_served_is_tried_again_after_a_pause_however_often() -> None:
    engine = make_engine()

    for _ in range(START_ATTEMPTS + 1):
        Engine.objects.update(retry_at=None)
        claimed = observe.claim(engine_pk=engine.pk)
        assert claimed is not None
        engine = lose(claimed)
        assert (engine.status, engine.wanted) == (EngineStatus.CREATING, Wanted.ACTIVE)
    assert engine.retry_at is not None
    assert timezone.now() < engine.retry_at < timezone.now() + timedelta(seconds=LONGEST_PAUSE)


def test_folders_of_killed_runs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    engine = make_engine()
    old, young = launch.new_folder(engine), tmp_path / f"embassy-{engine.public_id[-8:]}-young"
    young.mkdir()
    os.utime(old, (0, 0))

    launch.sweep_folders()
    assert launch.folders_of(engine) == [young]

    os.utime(young, (0, 0))
    run_engine(engine)
    launch.sweep_folders()
    assert launch.folders_of(engine) == [young]


@pytest.mark.parametrize(("age", "again"), [(queue.CLAIM_S + 1, True), (queue.CLAIM_S - 3, False)])
def test_a_lost_wake_up_is_sent_again_soon(age: float, again: bool) -> None:
    make_host("here")
    engine = make_engine(host_name="here", published_at=ago(age))

    queue.advance()

    before, published_at = engine.published_at, Engine.objects.get(pk=engine.pk).published_at
    assert before is not None
    assert published_at is not None
    assert (published_at > before) == again
