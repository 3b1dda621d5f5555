"""What is wanted of engines and adapters, and what their supervisor may write."""

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from embassy.engines import observe, queue, reconcile, services
from embassy.engines.keys import Archive, rank_for, rung
from embassy.engines.models import Adapter, Engine, EngineKind
from embassy.engines.models.engine import START_ATTEMPTS
from embassy.engines.states import EngineStatus, Wanted
from embassy.platform.broker import app
from embassy.platform.errors import InvalidInput, NotFound
from tests.factories.deployments import BASE, ago, load, make_engine, run_engine, stop_engine

pytestmark = pytest.mark.django_db
ARCHIVE = Archive("training/x/1.tar.gz", "a" * 64)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Tasks that were sent."""
    tasks: list[tuple[str, Any]] = []
    monkeypatch.setattr(app, "send_task", lambda name, args, **_: tasks.append((name, args)))
    return tasks


def test_one_automatic_engine_serves_all_that_share_a_key() -> None:
    first = services.ensure_engine(base_model=BASE, task_type="text-generation")
    assert services.ensure_engine(base_model=BASE, task_type="text-generation", rank=16).pk == first.pk
    assert services.ensure_engine(base_model=BASE, task_type="text-generation", rank=17).pk != first.pk
    classifier = services.ensure_engine(base_model=BASE, task_type="classification", rank=8)
    assert classifier.pk != first.pk
    assert services.ensure_engine(base_model=BASE, task_type="regression", rank=8).pk == classifier.pk


def test_merged_model_has_an_engine_of_its_own() -> None:
    engine = services.ensure_engine(base_model=BASE, task_type="text-generation", merged=ARCHIVE)
    assert (engine.archive_key, engine.sha256, engine.rank) == (ARCHIVE.key, ARCHIVE.sha256, 0)
    assert services.ensure_engine(base_model=BASE, task_type="text-generation").pk != engine.pk


def test_ranks_share_few_rungs() -> None:
    assert [rung(rank) for rank in (1, 16, 17, 64, 65)] == [16, 16, 64, 64, 256]
    with pytest.raises(InvalidInput, match="rank 300"):
        rung(300)
    assert rank_for(EngineKind.EMBED, 0, merged=False) == 0
    assert rank_for(EngineKind.EMBED, 8, merged=False) == 16


def test_unknown_models_and_tasks_are_refused() -> None:
    with pytest.raises(NotFound):
        services.ensure_engine(base_model="nope", task_type="text-generation")
    with pytest.raises(InvalidInput, match="painting"):
        services.ensure_engine(base_model=BASE, task_type="painting")


def test_wanting_it_sends_a_worker_once(
    sent: list[tuple[str, Any]], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        engine = make_engine()
    assert ("engines.run", (engine.pk,)) in sent
    sent.clear()
    with django_capture_on_commit_callbacks(execute=True):
        services.want_active(engine=engine)
    assert sent == []


def test_claim_is_won_once_and_only_while_it_is_wanted_and_due() -> None:
    engine = make_engine()
    claimed = observe.claim(engine_pk=engine.pk)
    assert claimed is not None
    assert claimed.lease_token == 1
    assert observe.claim(engine_pk=engine.pk) is None

    stop_engine(engine)
    Engine.objects.filter(pk=engine.pk).update(retry_at=ago(-60))
    assert observe.claim(engine_pk=engine.pk) is None
    Engine.objects.filter(pk=engine.pk).update(retry_at=None, wanted=Wanted.INACTIVE)
    assert observe.claim(engine_pk=engine.pk) is None


def test_old_token_writes_nothing() -> None:
    engine = run_engine(make_engine())
    adapter = services.want_adapter(engine=engine, name="a", archive=ARCHIVE, rank=8)
    old = engine.lease_token - 1
    with pytest.raises(observe.LeaseLost):
        observe.active(engine=engine, token=old, host="evil", port=1, model_path="", seconds=0)
    with pytest.raises(observe.LeaseLost):
        observe.failed(engine=engine, token=old, reason="no")
    with pytest.raises(observe.LeaseLost):
        observe.loaded(adapter=adapter, token=old)
    engine.refresh_from_db()
    adapter.refresh_from_db()
    assert (engine.host, engine.status, adapter.loaded_at) == ("127.0.0.1", EngineStatus.ACTIVE, None)


def test_key_changes_with_every_run_and_is_stored_nowhere() -> None:
    engine = run_engine(make_engine())
    first = engine.api_key
    stop_engine(engine)
    second = run_engine(engine).api_key
    assert first != second
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM engines_engine")
        assert all(second not in str(value) for row in cursor.fetchall() for value in row)


def test_stopped_engine_forgets_its_address_and_what_was_loaded() -> None:
    engine = run_engine(make_engine())
    adapter = services.want_adapter(engine=engine, name="a", archive=ARCHIVE, rank=8)
    load(adapter)
    services.want_inactive(engine=engine, reason="Enough.")
    engine.refresh_from_db()
    assert engine.status == EngineStatus.ACTIVE  # until its supervisor has stopped it

    stop_engine(engine)
    engine.refresh_from_db()
    adapter.refresh_from_db()
    assert (engine.status, engine.reason, engine.port) == (EngineStatus.INACTIVE, "Enough.", 0)
    assert (adapter.loaded_at, adapter.wanted) == (None, True)


def test_engine_nobody_runs_is_inactive_at_once() -> None:
    engine = make_engine()
    services.want_inactive(engine=engine, reason="Enough.")
    engine.refresh_from_db()
    assert (engine.status, engine.reason) == (EngineStatus.INACTIVE, "Enough.")


def test_failures_pause_longer_and_end_in_giving_up() -> None:
    pauses = [observe.pause(count).total_seconds() for count in range(1, 9)]
    assert pauses == [0, 2, 4, 8, 16, 32, 60, 60]
    engine = make_engine(failures=START_ATTEMPTS - 1)
    claimed = observe.claim(engine_pk=engine.pk)
    assert claimed is not None
    observe.failed(engine=claimed, token=claimed.lease_token, reason="Too big.")
    engine.refresh_from_db()
    assert engine.gave_up
    assert "Too big." in engine.reason


def test_long_good_run_resets_the_count_of_failures() -> None:
    engine = run_engine(make_engine())
    Engine.objects.filter(pk=engine.pk).update(failures=3, active_at=ago(3600))
    observe.failed(engine=engine, token=engine.lease_token, reason="Crashed.")
    engine.refresh_from_db()
    assert engine.failures == 1


def test_adapter_of_too_high_a_rank_is_refused() -> None:
    with pytest.raises(InvalidInput, match="up to rank 16"):
        services.want_adapter(engine=make_engine(), name="a", archive=ARCHIVE, rank=32)


def test_wanting_an_adapter_again_clears_its_error() -> None:
    engine = make_engine()
    adapter = services.want_adapter(engine=engine, name="a", archive=ARCHIVE, rank=8)
    Adapter.objects.update(error="damaged", wanted=False, attempts=5)
    again = services.want_adapter(engine=engine, name="a", archive=ARCHIVE, rank=8)
    assert (again.pk, again.error, again.wanted, again.attempts) == (adapter.pk, "", True, 0)


# --- Reconciler -----------------------------------------------------------------------------------


def test_lease_of_a_dead_process_is_freed_and_published(
    sent: list[tuple[str, Any]], django_capture_on_commit_callbacks: Any
) -> None:
    engine = run_engine(make_engine())
    owner = engine.lease_owner.rpartition(":")[0] + ":99999999"
    Engine.objects.filter(pk=engine.pk).update(lease_owner=owner, published_at=ago(3600))

    with django_capture_on_commit_callbacks(execute=True):
        reconcile.reconcile()
    engine.refresh_from_db()
    assert (engine.status, engine.lease_until) == (EngineStatus.CREATING, None)
    assert ("engines.run", (engine.pk,)) in sent


def test_expired_lease_is_freed_and_a_live_one_is_not() -> None:
    live, expired = run_engine(make_engine()), run_engine(make_engine_with_rank(64))
    Engine.objects.filter(pk=expired.pk).update(lease_until=ago(1))
    reconcile.reconcile()
    assert set(Engine.objects.filter(lease_until__gt=timezone.now())) == {live}


def test_wake_up_is_sent_again_only_after_a_while_and_then_it_says_why_it_waits(
    sent: list[tuple[str, Any]], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        engine = make_engine()
    sent.clear()
    with django_capture_on_commit_callbacks(execute=True):
        reconcile.reconcile()
    assert sent == []
    Engine.objects.filter(pk=engine.pk).update(published_at=ago(3600))
    with django_capture_on_commit_callbacks(execute=True):
        reconcile.reconcile()
    engine.refresh_from_db()
    assert ("engines.run", (engine.pk,)) in sent
    assert engine.reason == queue.NO_WORKER


def test_expired_and_unloaded_adapters_go() -> None:
    engine = make_engine()
    services.want_adapter(engine=engine, name="guest", archive=ARCHIVE, rank=8, seconds=-1)
    stays = services.want_adapter(engine=engine, name="stays", archive=ARCHIVE, rank=8)
    reconcile.reconcile()
    assert list(Adapter.objects.all()) == [stays]


def make_engine_with_rank(rank: int) -> Engine:
    return services.ensure_engine(base_model=BASE, task_type="text-generation", rank=rank)
