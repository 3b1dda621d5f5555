"""Pauses and shutdowns of real processes: the state is stored, and the job goes on from it anywhere."""

import signal
from typing import Any

import pytest

from embassy.platform.storage import get_storage
from embassy.training import pauses, reconcile, services
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus
from embassy.training.supervisor.folder import RunFolder
from tests.factories.training import hold_test, make_job, script_trainer
from tests.processes.test_training_kills import (
    Workers,
    assert_whole,
    fresh,
    gone,
    hanging_trainer,
    workers,
)
from tests.waiting import PATIENCE_S, wait_for

__all__ = ["workers"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


@pytest.fixture
def job(project: Any, actor: Any) -> TrainingJob:
    return make_job(project=project, actor=actor, train_test_split_ratio=20)


def steps_of(job: TrainingJob, attempt: int) -> list[int]:
    events = job.events.filter(attempt=attempt, kind="step").order_by("id")
    return list(events.values_list("data__step", flat=True))


@pytest.mark.parametrize("host", ["same", "another"])
def test_a_paused_job_goes_on_from_the_step_it_had_come_to(
    workers: Workers, job: TrainingJob, actor: Any, host: str
) -> None:
    script_trainer(job, hang_after=1, attempts=[1])
    process = workers.supervise(job)
    trainer = hanging_trainer(job)

    pauses.pause_training_job(job=job, actor=actor)

    assert process.wait(PATIENCE_S) == 0
    assert gone(trainer)
    assert fresh(job).status == JobStatus.PAUSED
    assert (job.failures, job.lease_owner, job.pause_requested) == (0, "", False)
    assert [key.rpartition("/")[2] for key in get_storage().list(job.resume_prefix)] == ["000000005-1.tar"]
    if host == "another":
        RunFolder.of(job).remove()
    pauses.resume_training_job(job=job, actor=actor)
    assert workers.supervise(job).wait(PATIENCE_S) == 0
    assert_whole(job)
    assert steps_of(job, 1) == [1, 2, 3, 4, 5]
    assert steps_of(job, 2) == list(range(6, 13))


def test_a_worker_that_is_shut_down_stores_the_state(workers: Workers, job: TrainingJob) -> None:
    script_trainer(job, hang_after=1, attempts=[1])
    process = workers.supervise(job)
    hanging_trainer(job)

    process.terminate()

    assert process.wait(PATIENCE_S) == 0
    assert (fresh(job).status, job.failures) == (JobStatus.PENDING, 0)
    RunFolder.of(job).remove()
    assert workers.supervise(job).wait(PATIENCE_S) == 0
    assert_whole(job)
    assert steps_of(job, 2) == list(range(6, 13))


def test_a_trainer_that_hears_nothing_is_stopped_at_a_shutdown(workers: Workers, job: TrainingJob) -> None:
    script_trainer(job, hang_after=1, deaf=True, attempts=[1])
    process = workers.supervise(job)
    trainer = hanging_trainer(job)

    process.terminate()

    assert process.wait(40) == 0
    assert gone(trainer)
    assert (fresh(job).status, job.failures) == (JobStatus.PENDING, 0)


def test_a_job_that_is_being_paused_can_be_cancelled(workers: Workers, job: TrainingJob, actor: Any) -> None:
    script_trainer(job, hang_after=1, deaf=True)
    process = workers.supervise(job)
    trainer = hanging_trainer(job)
    pauses.pause_training_job(job=job, actor=actor)

    services.cancel_training_job(job=job, actor=actor)

    assert process.wait(PATIENCE_S) == 0
    assert gone(trainer)
    assert fresh(job).status == JobStatus.CANCELLED
    assert not RunFolder.of(job).path.exists()


def test_the_test_stage_pauses_and_goes_on(workers: Workers, job: TrainingJob, actor: Any) -> None:
    hold = hold_test(job, 2)
    process = workers.supervise(job)
    wait_for((hold.parent / "held-2").exists, "checkpoint 2 to be asked")

    pauses.pause_training_job(job=job, actor=actor)

    assert process.wait(PATIENCE_S) == 0
    assert fresh(job).status == JobStatus.PAUSED
    assert list(job.test_results.values_list("number", flat=True)) == [0, 1]
    hold.unlink()
    pauses.resume_training_job(job=job, actor=actor)
    assert workers.supervise(job).wait(PATIENCE_S) == 0
    assert_whole(job)
    assert job.attempts == 2


def test_a_job_that_is_paused_and_killed_stays_paused(workers: Workers, job: TrainingJob, actor: Any) -> None:
    script_trainer(job, hang_after=1, deaf=True)
    process = workers.supervise(job)
    hanging_trainer(job)
    pauses.pause_training_job(job=job, actor=actor)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(reconcile.orphaned, "the job to be orphaned")
    reconcile.reconcile()
    TrainingJob.objects.filter(pk=job.pk).update(next_retry_at=None)

    assert workers.supervise(job).wait(PATIENCE_S) == 0

    assert fresh(job).status == JobStatus.PAUSED
