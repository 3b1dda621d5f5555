"""Places on hosts: who gets one, who waits and what for, and what is freed when."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import Settings

from embassy.engines import hosts, observe, queue, reconcile, services
from embassy.engines.models import Engine, Host
from embassy.engines.states import EngineStatus
from embassy.platform.broker import app
from tests.factories.deployments import BASE, ago, make_engine, run_engine, stop_engine
from tests.factories.hosts import bytes_of, make_host

pytestmark = pytest.mark.django_db
RANKS = (16, 64, 256)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """Wake-ups for engines, and the queues that they went to."""
    tasks: list[tuple[int, str]] = []

    def send_task(name: str, args: tuple[int], queue: str, **_: Any) -> None:
        if name == "engines.run":
            tasks.append((args[0], queue))

    monkeypatch.setattr(app, "send_task", send_task)
    return tasks


@pytest.fixture
def engines() -> list[Engine]:
    """Three that wait, the oldest first."""
    rows = [services.ensure_engine(base_model=BASE, task_type="text-generation", rank=rank) for rank in RANKS]
    for age, engine in zip((30, 20, 10), rows, strict=True):
        Engine.objects.filter(pk=engine.pk).update(woken_at=ago(age))
        engine.refresh_from_db()
    return rows


def fresh(engine: Engine) -> Engine:
    engine.refresh_from_db()
    return engine


def room_for(*engines: Engine) -> float:
    """Gigabytes that hold these engines and nothing more."""
    return (sum(map(bytes_of, engines)) + 1000) / 1000**3


def test_wake_up_goes_to_the_host_that_has_room(
    sent: list[tuple[int, str]], django_capture_on_commit_callbacks: Any
) -> None:
    make_host("small", gigabytes=0.1)
    make_host("large")
    with django_capture_on_commit_callbacks(execute=True):
        engine = make_engine()
    engine.refresh_from_db()
    assert sent == [(engine.pk, "engines.large")]
    assert (engine.host_name, engine.need_bytes, engine.gpus) == ("large", bytes_of(engine), [])
    assert queue.position_of(engine) is None


def test_without_a_worker_the_first_that_comes_is_called(
    sent: list[tuple[int, str]], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        engine = make_engine()
    assert sent == [(engine.pk, "engines")]
    assert fresh(engine).reason == services.WAITING
    make_host()
    assert observe.claim(engine_pk=engine.pk) is not None
    assert fresh(engine).need_bytes == bytes_of(engine)


def test_first_come_first_served(engines: list[Engine]) -> None:
    first, second, third = engines
    make_host(gigabytes=room_for(first, second))
    queue.advance()
    assert [bool(fresh(engine).host_name) for engine in engines] == [True, True, False]
    assert fresh(third).reason.startswith("1st in the queue: needs 0.")
    assert queue.position_of(third) == 1


def test_queue_place_and_reason_change_when_a_place_is_freed(
    engines: list[Engine], django_capture_on_commit_callbacks: Any
) -> None:
    first, second, third = engines
    make_host(slots=1)
    queue.advance()
    run_engine(fresh(first))
    assert [queue.position_of(fresh(engine)) for engine in engines] == [None, 1, 2]
    queue.advance()
    assert fresh(third).reason == (
        f"2nd in the queue: host {settings.HOST_NAME} runs 1 engine, as many as EMBASSY_ENGINE_SLOTS"
        " allows there."
    )

    with django_capture_on_commit_callbacks(execute=True):
        services.want_inactive(engine=first, reason="Enough.")
        stop_engine(first)
    assert fresh(first).host_name == ""
    assert fresh(second).host_name == settings.HOST_NAME
    assert queue.position_of(fresh(third)) == 1
    assert fresh(third).reason.startswith("1st in the queue")


def test_claim_takes_no_more_than_there_is(engines: list[Engine]) -> None:
    """Whatever the messages say: two may come from a time when nobody was known to be here."""
    first, second, _ = engines
    make_host(gigabytes=room_for(second))
    assert observe.claim(engine_pk=first.pk) is not None
    assert observe.claim(engine_pk=second.pk) is None
    assert fresh(second).status == EngineStatus.CREATING


def test_host_does_not_take_what_was_sent_to_another(engines: list[Engine]) -> None:
    make_host("elsewhere")
    queue.advance()
    make_host()
    assert observe.claim(engine_pk=engines[0].pk) is None
    assert fresh(engines[0]).host_name == "elsewhere"


def test_supervisor_by_hand_needs_no_host() -> None:
    engine = make_engine()
    assert observe.claim(engine_pk=engine.pk) is not None
    assert fresh(engine).host_name == settings.HOST_NAME


def test_what_fits_nowhere_fails_at_once_and_can_be_asked_for_again() -> None:
    make_host(gigabytes=0.1)
    engine = make_engine()
    queue.advance()
    assert fresh(engine).gave_up
    assert "It needs 0.3 GB of memory; the largest host" in engine.reason
    assert "has 0.1 GB for engines" in engine.reason

    Host.objects.update(memory_bytes=12 * 1000**3)
    services.want_active(engine=engine)
    queue.advance()
    assert fresh(engine).host_name == settings.HOST_NAME


def test_lost_host_is_sent_nothing_and_what_was_sent_there_goes_elsewhere(
    engines: list[Engine], sent: list[tuple[int, str]], django_capture_on_commit_callbacks: Any
) -> None:
    make_host("gone")
    queue.advance()
    assert {fresh(engine).host_name for engine in engines} == {"gone"}
    Host.objects.update(seen_at=ago(settings.LEASE_SECONDS + 1))
    make_host("here")
    with django_capture_on_commit_callbacks(execute=True):
        queue.advance()
    assert {fresh(engine).host_name for engine in engines} == {"here"}
    assert {name for _, name in sent} == {"engines.here"}


def test_all_hosts_lost(engines: list[Engine]) -> None:
    make_host("gone", seen_at=ago(settings.LEASE_SECONDS + 1))
    Engine.objects.update(published_at=ago(3600))
    queue.advance()
    assert {fresh(engine).reason for engine in engines} == {queue.NO_WORKER}


def test_engine_of_a_lost_host_moves(django_capture_on_commit_callbacks: Any) -> None:
    make_host("here", gigabytes=0.3)
    gone = make_host("gone")
    engine = make_engine()
    queue.advance()
    assert fresh(engine).host_name == "gone"
    run_engine_of(engine, "gone")
    assert hosts.is_alive(gone)  # still, for all that is known
    Engine.objects.filter(pk=engine.pk).update(lease_until=ago(1))
    with django_capture_on_commit_callbacks(execute=True):
        reconcile.reconcile()
    assert (fresh(engine).host_name, engine.status) == ("here", EngineStatus.CREATING)


def test_message_that_was_lost_is_sent_again(
    sent: list[tuple[int, str]], django_capture_on_commit_callbacks: Any
) -> None:
    make_host("here")
    engine = make_engine()
    queue.advance()
    with django_capture_on_commit_callbacks(execute=True):
        queue.advance()
    assert sent == []
    Engine.objects.filter(pk=engine.pk).update(published_at=ago(3600))
    with django_capture_on_commit_callbacks(execute=True):
        queue.advance()
    assert sent == [(engine.pk, "engines.here")]


def test_back_off_is_no_place_in_the_queue(engines: list[Engine]) -> None:
    make_host(gigabytes=0.1)
    Engine.objects.filter(pk=engines[0].pk).update(retry_at=ago(-60))
    assert queue.position_of(fresh(engines[0])) is None
    assert queue.position_of(fresh(engines[1])) == 1


def test_unknown_model_gets_a_place_and_its_start_says_why(engines: list[Engine]) -> None:
    make_host(gigabytes=0.0)
    Engine.objects.filter(pk=engines[0].pk).update(base_model="no-such-model")
    queue.advance()
    assert fresh(engines[0]).host_name == settings.HOST_NAME


def test_gpus_are_given_by_what_is_free() -> None:
    gpus = [{"index": index, "name": "H200", "memory_bytes": 140 * 1000**3} for index in (0, 1)]
    make_host(gpus=gpus)
    first, second = (
        services.ensure_engine(base_model=BASE, task_type="text-generation", rank=rank) for rank in (16, 64)
    )
    queue.advance()
    assert [fresh(first).gpus, fresh(second).gpus] == [[0], [1]]


# --- Hosts ----------------------------------------------------------------------------------------


def test_register_beat_and_leave(settings: Settings) -> None:
    settings.HOST_NAME, settings.ENGINE_HOST = "b", "10.0.0.2"
    settings.ENGINE_MEMORY = 5_000_000
    assert not hosts.beat()
    host = hosts.register(slots=3)
    assert (host.name, host.address, host.memory_bytes, host.slots) == ("b", "10.0.0.2", 5_000_000, 3)
    host.refresh_from_db()
    assert hosts.is_alive(host)
    hosts.leave()
    host.refresh_from_db()
    assert not hosts.is_alive(host)
    assert hosts.beat()
    host.refresh_from_db()
    assert hosts.is_alive(host)


def test_default_budget_is_a_share_of_the_machine(settings: Settings) -> None:
    settings.ENGINE_MEMORY = 0
    assert 0 < hosts.register(slots=1).memory_bytes < 2**50


def test_leases_carry_the_name_and_only_its_own_dead_are_seen(settings: Settings) -> None:
    settings.HOST_NAME = "a"
    engine = run_engine(make_engine())
    assert engine.lease_owner.startswith("a:")
    Engine.objects.update(lease_owner="b:99999999", lease_until=timezone.now() + timedelta(hours=1))
    reconcile.free_dead_leases()
    assert Engine.objects.filter(lease_until__gt=timezone.now()).exists()
    Engine.objects.update(lease_owner="a:99999999")
    reconcile.free_dead_leases()
    assert not Engine.objects.filter(lease_until__gt=timezone.now()).exists()


def run_engine_of(engine: Engine, host: str) -> None:
    """Its worker there has taken it."""
    Engine.objects.filter(pk=engine.pk).update(
        lease_owner=f"{host}:1", lease_until=timezone.now() + timedelta(hours=1), host_name=host
    )
