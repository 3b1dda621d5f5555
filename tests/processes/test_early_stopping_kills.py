"""Death in the middle of a test while training goes on: nothing is tested twice, and nothing is lost."""

from pathlib import Path

import pytest

from embassy.training import reconcile
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus
from embassy.training.supervisor.folder import RunFolder
from tests.factories.training import due_now, hold_test, make_job, script_trainer
from tests.processes.test_training_kills import Workers, fresh, gone, hanging_trainer, workers
from tests.waiting import PATIENCE_S, wait_for

__all__ = ["workers"]  # the fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


@pytest.fixture
def job() -> TrainingJob:
    return make_job(
        train_test_split_ratio=20,
        test_functions=("exact_match_shared",),
        selection={"early_stopping_patience": 1, "keep": "best"},
    )


def held(job: TrainingJob, number: int) -> Path:
    return RunFolder.of(job).path / f"held-{number}"


def test_killed_while_it_tests_a_checkpoint(workers: Workers, job: TrainingJob) -> None:
    script_trainer(job, epochs=20, hang_after=3)
    hold = hold_test(job, 2)
    first = workers.supervise(job)
    trainer = hanging_trainer(job)
    wait_for(held(job, 2).exists, "checkpoint 2 to be tested")
    wait_for(lambda: fresh(job).checkpoints.count() == 3, "what is written meanwhile to be stored")

    first.kill()
    first.wait()

    wait_for(lambda: gone(trainer), "the trainer to be gone")
    hold.unlink()
    reconcile.reconcile()
    assert (fresh(job).status, job.failures) == (JobStatus.PENDING, 1)
    assert list(job.test_results.values_list("number", flat=True)) == [1]
    script_trainer(job, epochs=20, hang_after=4)
    due_now(job)
    assert workers.supervise(job).wait(PATIENCE_S) == 0
    assert (fresh(job).status, job.code) == (JobStatus.SUCCESS, "early_stopped")
    assert list(job.test_results.values_list("number", flat=True)) == [0, 1, 2, 3, 4]
    assert list(job.events.filter(kind="tested").values_list("data__checkpoint", flat=True)) == [
        1,
        2,
        3,
        0,
        4,
    ]
    assert list(job.checkpoints.values_list("number", flat=True)) == [2]


def test_shut_down_while_it_tests_a_checkpoint(workers: Workers, job: TrainingJob) -> None:
    script_trainer(job, epochs=20, hang_after=3)
    hold = hold_test(job, 1)
    process = workers.supervise(job)
    trainer = hanging_trainer(job)
    wait_for(held(job, 1).exists, "checkpoint 1 to be tested")

    process.terminate()

    assert process.wait(PATIENCE_S) == 0
    assert gone(trainer)
    assert (fresh(job).status, job.failures) == (JobStatus.PENDING, 0)
    hold.unlink()
    script_trainer(job, epochs=20, hang_after=4)
    assert workers.supervise(job).wait(PATIENCE_S) == 0
    assert (fresh(job).status, job.code) == (JobStatus.SUCCESS, "early_stopped")
