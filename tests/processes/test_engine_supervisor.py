"""The engine's supervisor as a process of its own, with a stand-in for the engine, and kills."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from embassy.engines import reconcile, selectors, services
from embassy.engines.models import Adapter, Engine
from embassy.engines.models.engine import START_ATTEMPTS
from embassy.engines.states import EngineStatus, Wanted
from embassy.platform.storage import get_storage
from tests.factories.deployments import RANK, make_engine, store, store_adapter

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0

Worker = Callable[[Engine], "subprocess.Popen[bytes]"]


@pytest.fixture
def home(settings: Settings, tmp_path: Path) -> Path:
    settings.HOME = tmp_path
    return tmp_path


@pytest.fixture
def worker(home: Path) -> Iterator[Worker]:
    """Starts supervisors; whatever is left of them goes in the end."""
    with ExitStack() as stack:

        def start(engine: Engine) -> "subprocess.Popen[bytes]":
            arguments = [str(connection.settings_dict["NAME"]), str(home), str(engine.pk)]
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.fakes.engine_worker", *arguments], cwd=ROOT
            )
            stack.callback(end, process)
            return process

        yield start


def end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait(10)


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.05)


def wait_until(engine: Engine, status: str) -> None:
    def reached() -> bool:
        engine.refresh_from_db()
        return engine.status == status

    wait_for(reached, f"engine {status}")


def serves(engine: Engine) -> bool:
    try:
        return bool(selectors.client_for(engine).is_healthy())
    except http.client.HTTPException:
        return False


def calls(home: Path, word: str) -> list[str]:
    path = home / "cache" / "vllm" / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.split()[1] for line in lines if line.split()[0] == word]


def behave(home: Path, manner: str) -> None:
    folder = home / "cache" / "vllm"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manner").write_text(manner)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")


def engine_pid(home: Path) -> int:
    return int(calls(home, "start")[-1])


@pytest.fixture(autouse=True)
def _cache(home: Path) -> None:
    (home / "cache" / "vllm").mkdir(parents=True)


def test_engine_comes_up_answers_and_stops_when_it_is_not_wanted(worker: Worker, home: Path) -> None:
    engine = make_engine()
    process = worker(engine)
    wait_until(engine, EngineStatus.ACTIVE)

    assert (engine.reason, engine.failures, engine.routable) == ("", 0, True)
    assert engine.start_seconds is not None
    assert selectors.client_for(engine).model_names() == ["base"]

    services.want_inactive(engine=engine, reason="Nobody needs it.")
    wait_until(engine, EngineStatus.INACTIVE)
    assert process.wait(10) == 0
    assert (engine.reason, engine.port, engine.lease_until) == ("Nobody needs it.", 0, None)
    assert calls(home, "stop") == calls(home, "start")
    assert not list(Path("/tmp").glob(f"embassy-{engine.public_id[-8:]}-*"))


def test_second_supervisor_does_nothing(worker: Worker, home: Path) -> None:
    engine = make_engine()
    worker(engine)
    wait_until(engine, EngineStatus.ACTIVE)

    assert worker(engine).wait(30) == 0
    assert len(calls(home, "start")) == 1


def test_wanted_adapters_are_loaded_before_it_is_active_and_others_as_they_come(
    worker: Worker, home: Path
) -> None:
    engine = make_engine()
    first = services.want_adapter(engine=engine, name="first", archive=store_adapter("a/1"), rank=RANK)
    worker(engine)
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
    worker: Worker, home: Path, case: str, said: str
) -> None:
    engine = make_engine()
    archive = store_adapter("a/1", rank=64 if case == "rank" else RANK)
    if case == "damage":
        get_storage().put("a/1", b"something else")
    if case == "missing":
        get_storage().delete("a/1")
    adapter = services.want_adapter(engine=engine, name="bad", archive=archive, rank=RANK)
    worker(engine)
    wait_until(engine, EngineStatus.ACTIVE)

    adapter.refresh_from_db()
    assert said in adapter.error
    assert serves(engine)
    assert calls(home, "load") == []


def test_archive_that_leads_out_of_its_folder_is_refused(worker: Worker, home: Path) -> None:
    engine = make_engine()
    archive = store("a/1", {"../../escaped": b"x"})
    adapter = services.want_adapter(engine=engine, name="bad", archive=archive, rank=RANK)
    worker(engine)
    wait_until(engine, EngineStatus.ACTIVE)

    adapter.refresh_from_db()
    assert "cannot be unpacked" in adapter.error
    assert not list(home.rglob("escaped"))


def test_killed_engine_is_noticed_and_comes_back_with_its_adapters(worker: Worker, home: Path) -> None:
    engine = make_engine()
    services.want_adapter(engine=engine, name="mine", archive=store_adapter("a/1"), rank=RANK)
    process = worker(engine)
    wait_until(engine, EngineStatus.ACTIVE)

    os.kill(engine_pid(home), signal.SIGKILL)
    assert process.wait(30) == 0
    engine.refresh_from_db()
    assert (engine.status, engine.wanted, engine.failures) == (EngineStatus.CREATING, Wanted.ACTIVE, 1)
    assert "code -9" in engine.reason
    assert not engine.adapters.exclude(loaded_at=None).exists()

    worker(engine)
    wait_until(engine, EngineStatus.ACTIVE)
    assert selectors.client_for(engine).model_names() == ["base", "mine"]


def test_killed_supervisor_takes_its_engine_along_and_the_reconciler_frees_the_row(
    worker: Worker, home: Path
) -> None:
    engine = make_engine()
    process = worker(engine)
    wait_until(engine, EngineStatus.ACTIVE)
    pid, old_key = engine_pid(home), engine.api_key

    process.kill()
    process.wait(10)
    wait_for(lambda: not alive(pid), "engine gone with its supervisor")
    reconcile.free_dead_leases()

    engine.refresh_from_db()
    assert (engine.status, engine.lease_until, engine.routable) == (EngineStatus.CREATING, None, False)
    assert engine.api_key != old_key
    worker(engine)
    wait_until(engine, EngineStatus.ACTIVE)
    assert serves(engine)


def test_sigterm_stops_the_engine_and_leaves_it_wanted(worker: Worker, home: Path) -> None:
    engine = make_engine()
    process = worker(engine)
    wait_until(engine, EngineStatus.ACTIVE)

    process.terminate()
    assert process.wait(30) == 0
    engine.refresh_from_db()
    assert (engine.status, engine.wanted, engine.lease_until) == (EngineStatus.CREATING, Wanted.ACTIVE, None)
    assert engine.failures == 0
    assert not alive(engine_pid(home))
    assert selectors.waiting().filter(pk=engine.pk, published_at=None).exists()


def test_fenced_supervisor_kills_its_engine_and_writes_nothing(worker: Worker, home: Path) -> None:
    engine = make_engine()
    process = worker(engine)
    wait_until(engine, EngineStatus.ACTIVE)
    pid = engine_pid(home)

    Engine.objects.filter(pk=engine.pk).update(lease_token=engine.lease_token + 1, reason="Mine now.")
    assert process.wait(30) == 0
    assert not alive(pid)
    engine.refresh_from_db()
    assert engine.reason == "Mine now."


def test_engine_that_ends_at_once_is_tried_again_later_and_given_up_in_the_end(
    worker: Worker, home: Path
) -> None:
    behave(home, "exits")
    engine = make_engine()
    for attempt in range(1, START_ATTEMPTS + 1):
        Engine.objects.filter(pk=engine.pk).update(retry_at=None)
        assert worker(engine).wait(30) == 0
        engine.refresh_from_db()
        assert engine.failures == attempt
        assert "code 3. ValueError: this model is too big" in engine.reason
        assert engine.retry_at is not None

    assert (engine.status, engine.gave_up) == (EngineStatus.INACTIVE, True)
    services.want_active(engine=engine)
    engine.refresh_from_db()
    assert (engine.status, engine.failures, engine.retry_at) == (EngineStatus.CREATING, 0, None)


def test_engine_that_is_unwanted_while_it_starts_is_ended(worker: Worker, home: Path) -> None:
    behave(home, "deaf")
    engine = make_engine()
    process = worker(engine)
    wait_for(lambda: calls(home, "start"), "engine started")

    services.want_inactive(engine=engine, reason="Changed my mind.")
    assert process.wait(30) == 0
    wait_until(engine, EngineStatus.INACTIVE)
    assert not alive(engine_pid(home))


def test_engine_of_an_unknown_model_says_so(worker: Worker, home: Path) -> None:
    engine = make_engine(base_model="no-such-model")
    assert worker(engine).wait(30) == 0

    engine.refresh_from_db()
    assert "no base model no-such-model" in engine.reason
    assert engine.failures == 1
