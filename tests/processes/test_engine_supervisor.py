"""The engine's supervisor as a process of its own, with a stand-in for the engine, and kills."""

import os
import signal
from pathlib import Path

import pytest

from embassy.engines import reconcile, selectors, services
from embassy.engines.models import Adapter, Engine
from embassy.engines.models.engine import START_ATTEMPTS
from embassy.engines.states import EngineStatus, Wanted
from embassy.platform.storage import get_storage
from tests.factories.deployments import RANK, make_engine, store, store_adapter
from tests.processes.engine_host import EngineHost, alive, serves, wait_until
from tests.waiting import PATIENCE_S, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def test_engine_comes_up_answers_and_stops_when_it_is_not_wanted(host: EngineHost) -> None:
    engine = make_engine()
    process = host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)

    assert (engine.reason, engine.failures, engine.routable) == ("", 0, True)
    assert engine.start_seconds is not None
    assert selectors.client_for(engine).model_names() == ["base"]

    services.want_inactive(engine=engine, reason="Nobody needs it.")
    wait_until(engine, EngineStatus.INACTIVE)
    assert process.wait(PATIENCE_S) == 0
    assert (engine.reason, engine.port, engine.lease_until) == ("Nobody needs it.", 0, None)
    assert host.calls("stop") == host.calls("start")
    assert not list(Path("/tmp").glob(f"embassy-{engine.public_id[-8:]}-*"))


def test_second_supervisor_does_nothing(host: EngineHost) -> None:
    engine = make_engine()
    host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)

    assert host.supervise(engine).wait(PATIENCE_S) == 0
    assert len(host.calls("start")) == 1


def test_wanted_adapters_are_loaded_before_it_is_active_and_others_as_they_come(host: EngineHost) -> None:
    engine = make_engine()
    first = services.want_adapter(engine=engine, name="first", archive=store_adapter("a/1"), rank=RANK)
    host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)
    first.refresh_from_db()
    assert first.ready

    second = services.want_adapter(engine=engine, name="second", archive=store_adapter("a/2"), rank=RANK)
    wait_for(lambda: Adapter.objects.get(pk=second.pk).ready, "second loaded")
    assert selectors.client_for(engine).model_names() == ["base", "first", "second"]

    services.drop_adapter(adapter=first)
    wait_for(lambda: not Adapter.objects.filter(pk=first.pk).exists(), "first gone")
    assert selectors.client_for(engine).model_names() == ["base", "second"]


@pytest.mark.parametrize(
    ("case", "said"), [("rank", "rank is 64"), ("damage", "checksum"), ("missing", "missing")]
)
def test_bad_adapter_is_refused_with_a_reason_and_the_engine_stays(
    host: EngineHost, case: str, said: str
) -> None:
    engine = make_engine()
    archive = store_adapter("a/1", rank=64 if case == "rank" else RANK)
    if case == "damage":
        get_storage().put("a/1", b"something else")
    if case == "missing":
        get_storage().delete("a/1")
    adapter = services.want_adapter(engine=engine, name="bad", archive=archive, rank=RANK)
    host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)

    adapter.refresh_from_db()
    assert said in adapter.error
    assert serves(engine)
    assert host.calls("load") == []


def test_archive_that_leads_out_of_its_folder_is_refused(host: EngineHost) -> None:
    engine = make_engine()
    archive = store("a/1", {"../../escaped": b"x"})
    adapter = services.want_adapter(engine=engine, name="bad", archive=archive, rank=RANK)
    host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)

    adapter.refresh_from_db()
    assert "cannot be unpacked" in adapter.error
    assert not list(host.home.rglob("escaped"))


def test_killed_engine_is_noticed_and_comes_back_with_its_adapters(host: EngineHost) -> None:
    engine = make_engine()
    services.want_adapter(engine=engine, name="mine", archive=store_adapter("a/1"), rank=RANK)
    process = host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)

    os.kill(host.engine_pid(), signal.SIGKILL)
    assert process.wait(PATIENCE_S) == 0
    engine.refresh_from_db()
    assert (engine.status, engine.wanted, engine.failures) == (EngineStatus.CREATING, Wanted.ACTIVE, 1)
    assert "code -9" in engine.reason
    assert not engine.adapters.exclude(loaded_at=None).exists()

    host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)
    assert selectors.client_for(engine).model_names() == ["base", "mine"]


def test_killed_supervisor_takes_its_engine_along_and_the_reconciler_frees_the_row(host: EngineHost) -> None:
    engine = make_engine()
    process = host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)
    pid, old_key = host.engine_pid(), engine.api_key

    process.kill()
    process.wait(PATIENCE_S)
    wait_for(lambda: not alive(pid), "engine gone with its supervisor")
    reconcile.free_dead_leases()

    engine.refresh_from_db()
    assert (engine.status, engine.lease_until, engine.routable) == (EngineStatus.CREATING, None, False)
    assert engine.api_key != old_key
    host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)
    assert serves(engine)


def test_sigterm_stops_the_engine_and_leaves_it_wanted(host: EngineHost) -> None:
    engine = make_engine()
    process = host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)

    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    engine.refresh_from_db()
    assert (engine.status, engine.wanted, engine.lease_until) == (EngineStatus.CREATING, Wanted.ACTIVE, None)
    assert engine.failures == 0
    assert not alive(host.engine_pid())
    assert selectors.waiting().filter(pk=engine.pk, host_name="").exists()


def test_fenced_supervisor_kills_its_engine_and_writes_nothing(host: EngineHost) -> None:
    engine = make_engine()
    process = host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)
    pid = host.engine_pid()

    Engine.objects.filter(pk=engine.pk).update(lease_token=engine.lease_token + 1, reason="Mine now.")
    assert process.wait(PATIENCE_S) == 0
    assert not alive(pid)
    engine.refresh_from_db()
    assert engine.reason == "Mine now."


def test_engine_that_ends_at_once_is_tried_again_later_and_given_up_in_the_end(host: EngineHost) -> None:
    host.behave("exits")
    engine = make_engine()
    for attempt in range(1, START_ATTEMPTS + 1):
        Engine.objects.filter(pk=engine.pk).update(retry_at=None)
        assert host.supervise(engine).wait(PATIENCE_S) == 0
        engine.refresh_from_db()
        assert engine.failures == attempt
        assert "code 3. ValueError: this model is too big" in engine.reason
        assert engine.retry_at is not None

    assert (engine.status, engine.gave_up) == (EngineStatus.INACTIVE, True)
    services.want_active(engine=engine)
    engine.refresh_from_db()
    assert (engine.status, engine.failures, engine.retry_at) == (EngineStatus.CREATING, 0, None)


def test_engine_that_is_unwanted_while_it_starts_is_ended(host: EngineHost) -> None:
    host.behave("deaf")
    engine = make_engine()
    process = host.supervise(engine)
    wait_for(lambda: host.calls("start"), "engine started")

    services.want_inactive(engine=engine, reason="Changed my mind.")
    assert process.wait(PATIENCE_S) == 0
    wait_until(engine, EngineStatus.INACTIVE)
    assert not alive(host.engine_pid())


def test_engine_of_an_unknown_model_says_so(host: EngineHost) -> None:
    engine = make_engine(base_model="no-such-model")
    assert host.supervise(engine).wait(PATIENCE_S) == 0

    engine.refresh_from_db()
    assert "no base model no-such-model" in engine.reason
    assert engine.failures == 1
