"""Death of any process in the middle of a run: the job goes on, with nothing twice and nothing lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection
from pytest_django import Settings

from embassy.training import reconcile, services
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus
from embassy.training.supervisor.folder import RunFolder
from tests.factories.training import due_now, make_job, script_trainer
from tests.waiting import PATIENCE_S, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROOT = Path(__file__).resolve().parents[2]
LEASE_SECONDS = 2


class Workers:
    """Processes that run jobs against the test database."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment, self._log = environment, log
        self.started: list[subprocess.Popen[bytes]] = []

    def supervise(self, job: TrainingJob) -> "subprocess.Popen[bytes]":
        return self._start("-m", "tests.fakes.supervise", str(job.pk))

    def celery(self) -> "subprocess.Popen[bytes]":
        options = ("-Q", "training", "--concurrency", "1", "--without-mingle", "--without-gossip")
        return self._start("-m", "celery", "-A", "tests.fakes.worker", "worker", *options)

    def _start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=os.environ | self._environment,
                stdout=log,
                stderr=log,
            )
        self.started.append(process)
        return process

    def stop(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def workers(settings: Settings, tmp_path: Path) -> Iterator[Workers]:
    settings.LEASE_SECONDS = LEASE_SECONDS
    database = dict(connection.settings_dict)
    address = f"host={database['HOST']}&port={database['PORT']}"
    environment = {
        "DJANGO_SETTINGS_MODULE": "embassy.platform.settings",
        "DATABASE_URL": f"postgresql://{database['USER']}:{database['PASSWORD']}@/{database['NAME']}?{address}",
        "EMBASSY_FILES": str(settings.STORAGE_DIR),
        "EMBASSY_RUNS": str(settings.RUNS_DIR),
        "EMBASSY_LEASE_SECONDS": str(LEASE_SECONDS),
        "EMBASSY_TRAINING_STANDBY": "",
    }
    workers = Workers(environment, tmp_path / "workers.log")
    yield workers
    workers.stop()


def hanging_trainer(job: TrainingJob) -> int:
    """Waits until the stand-in hangs as its script says; its pid."""
    path = RunFolder.of(job).path / "hanging"

    def look() -> int | None:
        return int(path.read_text() or 0) if path.exists() else None

    return wait_for(look, "the trainer to hang")


def fresh(job: TrainingJob) -> TrainingJob:
    job.refresh_from_db()
    return job


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def assert_whole(job: TrainingJob) -> None:
    fresh(job)
    assert job.status == JobStatus.SUCCESS, job.reason
    assert list(job.checkpoints.values_list("number", flat=True)) == [1, 2, 3]
    assert list(job.loss_points.values_list("step", flat=True)) == list(range(1, 13))
    assert list(job.test_results.values_list("number", flat=True)) == [0, 1, 2, 3]
    attempts = sorted(set(job.events.exclude(attempt=None).values_list("attempt", flat=True)))
    for attempt in attempts:
        seqs = list(job.events.filter(attempt=attempt).order_by("id").values_list("seq", flat=True))
        assert seqs == list(range(1, len(seqs) + 1))


def test_killed_supervisor_takes_its_trainer_along_and_another_goes_on(workers: Workers) -> None:
    job = make_job(train_test_split_ratio=20)
    script_trainer(job, hang_after=2, attempts=[1])
    first = workers.supervise(job)
    trainer = hanging_trainer(job)
    wait_for(lambda: fresh(job).checkpoints.count() == 2, "two checkpoints")

    first.kill()
    first.wait()

    wait_for(lambda: gone(trainer), "the trainer to be gone")
    reconcile.reconcile()
    assert (fresh(job).status, job.code, job.failures) == (JobStatus.PENDING, "worker_lost", 1)
    due_now(job)
    assert workers.supervise(job).wait(PATIENCE_S) == 0
    assert_whole(job)
    assert job.attempts == 2
    assert job.events.get(attempt=2, kind="started").data["resumed_from"] == 2


def test_what_the_killed_one_had_not_read_yet_is_read_by_the_next(workers: Workers) -> None:
    job = make_job(train_test_split_ratio=20)
    script_trainer(job, wait_after=1, hang_after=2, attempts=[1])
    first = workers.supervise(job)
    wait_for(lambda: fresh(job).checkpoints.count() == 1, "a checkpoint")
    first.send_signal(signal.SIGSTOP)  # it reads nothing more, while the trainer goes on
    (RunFolder.of(job).path / "go").touch()
    hanging_trainer(job)
    first.kill()
    first.wait()
    wait_for(reconcile.orphaned, "the job to be orphaned")
    reconcile.reconcile()
    due_now(job)

    assert workers.supervise(job).wait(PATIENCE_S) == 0

    assert_whole(job)
    written = job.events.filter(attempt=1).values_list("kind", flat=True)
    assert list(written).count("step") == 8


def test_killed_before_it_read_anything(workers: Workers) -> None:
    job = make_job(train_test_split_ratio=20)
    script_trainer(job, wait_before_start=True, hang_after=1, attempts=[1])
    first = workers.supervise(job)
    wait_for((RunFolder.of(job).path / "waiting").exists, "the trainer to wait")
    first.send_signal(signal.SIGSTOP)
    (RunFolder.of(job).path / "go").touch()
    hanging_trainer(job)
    first.kill()
    first.wait()
    wait_for(reconcile.orphaned, "the job to be orphaned")
    reconcile.reconcile()
    due_now(job)

    assert workers.supervise(job).wait(PATIENCE_S) == 0

    assert_whole(job)


def test_frozen_supervisor_is_fenced_when_it_wakes_up(workers: Workers) -> None:
    job = make_job(train_test_split_ratio=20)
    script_trainer(job, hang_after=1, attempts=[1])
    first = workers.supervise(job)
    trainer = hanging_trainer(job)
    wait_for(lambda: fresh(job).checkpoints.count() == 1, "a checkpoint")
    first.send_signal(signal.SIGSTOP)
    wait_for(reconcile.orphaned, "the lease to run out")
    reconcile.reconcile()
    due_now(job)
    os.kill(trainer, signal.SIGKILL)  # another host would not share the folder

    assert workers.supervise(job).wait(PATIENCE_S) == 0
    first.send_signal(signal.SIGCONT)

    assert first.wait(PATIENCE_S) == 0
    assert_whole(job)


@pytest.mark.parametrize("act", ["cancel", "delete"])
def test_cancelled_or_deleted_job_loses_its_trainer(
    workers: Workers, act: str, project: Any, actor: Any
) -> None:
    job = make_job(project=project, actor=actor)
    script_trainer(job, hang_after=1)
    process = workers.supervise(job)
    trainer = hanging_trainer(job)
    began = time.monotonic()

    if act == "cancel":
        services.cancel_training_job(job=job, actor=actor)
    else:
        services.delete_training_job(job=TrainingJob.objects.get(pk=job.pk), actor=actor)

    wait_for(lambda: gone(trainer), "the trainer to be gone")
    assert time.monotonic() - began < 10
    assert process.wait(PATIENCE_S) == 0
    if act == "cancel":
        assert fresh(job).status == JobStatus.CANCELLED
    assert not RunFolder.of(job).path.exists()


def test_sigterm_gives_the_job_back_unharmed(workers: Workers) -> None:
    job = make_job(train_test_split_ratio=20)
    script_trainer(job, hang_after=2, attempts=[1])
    process = workers.supervise(job)
    trainer = hanging_trainer(job)

    process.terminate()

    assert process.wait(PATIENCE_S) == 0
    assert gone(trainer)
    assert fresh(job).status == JobStatus.PENDING
    assert (job.failures, job.next_retry_at, job.lease_owner) == (0, None, "")
    assert "shut down" in job.reason
    assert workers.supervise(job).wait(PATIENCE_S) == 0
    assert_whole(job)


def test_stopped_celery_worker_hands_its_job_to_the_next(workers: Workers) -> None:
    job = make_job(train_test_split_ratio=20)
    script_trainer(job, hang_after=1, attempts=[1])
    first = workers.celery()
    hanging_trainer(job)

    first.terminate()

    assert first.wait(PATIENCE_S) == 0
    assert fresh(job).status == JobStatus.PENDING
    assert job.failures == 0
    workers.celery()
    wait_for(lambda: fresh(job).status == JobStatus.SUCCESS, "the next worker to finish the job")
    assert_whole(job)


def test_killed_celery_worker_is_found_out(workers: Workers) -> None:
    job = make_job(train_test_split_ratio=20)
    script_trainer(job, hang_after=1, attempts=[1])
    first = workers.celery()
    trainer = hanging_trainer(job)

    first.kill()

    wait_for(lambda: gone(trainer), "the trainer to be gone")
    wait_for(reconcile.orphaned, "the job to be orphaned")
    reconcile.reconcile()
    due_now(job)
    reconcile.reconcile()
    workers.celery()
    wait_for(lambda: fresh(job).status == JobStatus.SUCCESS, "the next worker to finish the job")
    assert_whole(job)
