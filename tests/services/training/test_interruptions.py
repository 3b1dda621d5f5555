"""Cancelled and paused jobs are let go of at once, whatever the supervisor is waiting for just then."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from embassy.catalog import weights
from embassy.platform.storage import FileStorage
from embassy.training import pauses, services
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus
from embassy.training.supervisor import run_job
from embassy.training.supervisor import trainer as trainer_module
from embassy.training.supervisor.folder import RunFolder
from tests.factories.training import hold_test, make_job
from tests.fakes.checkpoint_server import SumServer
from tests.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

DEADLINE_S = 60.0


class Stuck:
    """A call that takes until the deadline: it waits in the kernel, as a slow download does."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self._end = threading.Timer(DEADLINE_S, self.end)
        self.reached, self.came_back = threading.Event(), False
        self._end.start()

    def wait(self) -> None:
        self.reached.set()
        os.read(self._reading, 1)
        self.came_back = True

    def end(self) -> None:
        self._end.cancel()
        with suppress(OSError):
            os.close(self._writing)


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    stuck = Stuck()
    yield stuck
    stuck.end()


@pytest.fixture
def job(project: Any, actor: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> TrainingJob:
    monkeypatch.setattr(trainer_module, "PROGRAM", "tests.fakes.trainer")
    settings.TRAINING_STANDBY = ""
    return make_job(project=project, actor=actor, train_test_split_ratio=20)


def _download(monkeypatch: pytest.MonkeyPatch, stuck: Stuck) -> None:
    monkeypatch.setattr(FileStorage, "download", lambda *_: stuck.wait())


def _model(monkeypatch: pytest.MonkeyPatch, stuck: Stuck) -> None:
    monkeypatch.setattr(weights, "locate", lambda _: stuck.wait())


def _upload(monkeypatch: pytest.MonkeyPatch, stuck: Stuck) -> None:
    put = FileStorage.put

    def slow(self: FileStorage, key: str, source: Any) -> None:
        if "/checkpoints/" in key and not stuck.reached.is_set():
            stuck.wait()
        put(self, key, source)

    monkeypatch.setattr(FileStorage, "put", slow)


MOMENTS: dict[str, Callable[[pytest.MonkeyPatch, Stuck], None]] = {
    "rows are fetched": _download,
    "a model is fetched": _model,
    "a checkpoint is uploaded": _upload,
}


def meanwhile(reached: Callable[[], object], act: Callable[[], object]) -> threading.Thread:
    """Act from another thread once that is reached."""

    def work() -> None:
        try:
            wait_for(reached, "the moment")
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("act", ["cancel", "pause"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_while_something_slow_happens(
    job: TrainingJob,
    actor: Any,
    stuck: Stuck,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    act: str,
) -> None:
    MOMENTS[moment](monkeypatch, stuck)
    verbs = {"cancel": services.cancel_training_job, "pause": pauses.pause_training_job}
    thread = meanwhile(
        stuck.reached.is_set, lambda: verbs[act](job=TrainingJob.objects.get(pk=job.pk), actor=actor)
    )

    run_job(job.pk, server=SumServer())

    thread.join()
    assert not stuck.came_back
    job.refresh_from_db()
    assert job.status == (JobStatus.CANCELLED if act == "cancel" else JobStatus.PAUSED)
    assert RunFolder.of(job).path.exists() == (act == "pause")
    if act == "pause" and moment == "a checkpoint is uploaded":
        assert job.checkpoints.filter(
            number=1
        ).exists()  # it is stored all the same, before the job is let go


def test_while_the_engine_of_the_test_starts(job: TrainingJob, actor: Any) -> None:
    hold = hold_test(job, 0)
    thread = meanwhile(
        (hold.parent / "held-0").exists,
        lambda: services.cancel_training_job(job=TrainingJob.objects.get(pk=job.pk), actor=actor),
    )

    run_job(job.pk, server=SumServer())

    thread.join()
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    assert not RunFolder.of(job).path.exists()
