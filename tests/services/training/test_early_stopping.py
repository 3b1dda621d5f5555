"""Training that ends when checkpoints no longer improve: the stand-in's third is as good as its second."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from embassy.platform.actor import Actor
from embassy.platform.errors import Unavailable
from embassy.projects.models import Project
from embassy.training import services
from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.states import JobStatus
from embassy.training.supervisor import early_stopping, run_job
from embassy.training.supervisor import trainer as trainer_module
from embassy.training.supervisor.early_stopping import EarlyStopping
from embassy.training.supervisor.outcomes import Crashed
from tests.factories.training import due_now, make_job, script_trainer
from tests.fakes.checkpoint_server import SumServer
from tests.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[None]:
    monkeypatch.setattr(trainer_module, "PROGRAM", "tests.fakes.trainer")
    settings.TRAINING_STANDBY = ""
    return iter(())


def make(patience: int = 1, **options: Any) -> TrainingJob:
    selection = {"early_stopping_patience": patience} | options.pop("selection", {})
    return make_job(
        train_test_split_ratio=20, test_functions=("exact_match_shared",), selection=selection, **options
    )


def run(job: TrainingJob, server: SumServer | None = None) -> TrainingJob:
    run_job(job.pk, server=server or SumServer())
    job.refresh_from_db()
    return job


def numbers(job: TrainingJob) -> list[int]:
    return list(job.checkpoints.values_list("number", flat=True))


class Watching(SumServer):
    """Does something while a checkpoint is tested, as often as progress is reported."""

    def __init__(self, number: int, until: Callable[[TrainingJob], bool]) -> None:
        super().__init__()
        self.number, self.until = number, until

    def generate(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint | None,
        prompts: Any,
        max_tokens: int,
        on_progress: Any,
        answers: dict[int, Any] | None = None,
    ) -> list[str]:
        if checkpoint is not None and checkpoint.number == self.number:

            def look() -> bool:
                on_progress(0)
                return self.until(job)

            wait_for(look, "what happens meanwhile")
        return super().generate(job, checkpoint, prompts, max_tokens, on_progress, answers)


def test_training_ends_when_nothing_improves() -> None:
    job, server = make(), SumServer()
    script_trainer(job, epochs=20, hang_after=3)  # the stand-in would never end by itself

    run(job, server)

    assert (job.status, job.code) == (JobStatus.SUCCESS, "early_stopped")
    assert job.reason == (
        "Training stopped early: the last checkpoint did not improve exact_match_shared."
        " Checkpoint 2 is the best, with 1."
    )
    assert numbers(job) == [1, 2, 3]
    assert list(job.test_results.values_list("number", flat=True)) == [0, 1, 2, 3]
    assert server.asked == [1, 2, 3, 0]  # the base model only once training is over
    event = job.events.get(kind="early_stopped")
    assert event.data | {"message": ""} == {
        "code": "early_stopped",
        "message": "",
        "test_function": "exact_match_shared",
        "checkpoint": 2,
        "score": 1.0,
    }
    assert job.checkpoints.get(best=True).number == 2


def test_what_little_improves_is_no_improvement() -> None:
    job = make(selection={"min_delta": 0.6})
    script_trainer(job, epochs=20, hang_after=2)

    run(job)

    assert (job.code, numbers(job)) == ("early_stopped", [1, 2])
    assert job.checkpoints.get(best=True).number == 2


def test_a_trainer_that_has_completed_meanwhile_was_not_stopped() -> None:
    def completed(job: TrainingJob) -> bool:
        return job.events.filter(kind="end").exists()

    job = run(make(), Watching(3, completed))

    assert (job.status, job.code, job.reason) == (JobStatus.SUCCESS, "", "")
    assert numbers(job) == [1, 2, 3]
    assert not job.events.filter(kind="early_stopped").exists()


def test_the_account_is_read_while_a_checkpoint_is_tested() -> None:
    def third_is_stored(job: TrainingJob) -> bool:
        return 3 in numbers(job) and job.loss_points.count() >= 12

    job = make(patience=2)
    script_trainer(job, epochs=20, hang_after=4)

    run(job, Watching(1, third_is_stored))

    assert (job.code, numbers(job)) == ("early_stopped", [1, 2, 3, 4])


def test_cancelled_while_a_checkpoint_is_tested(project: Project, actor: Actor) -> None:
    def cancel(job: TrainingJob) -> bool:
        row = TrainingJob.objects.get(pk=job.pk)
        if row.status == JobStatus.RUNNING:
            services.cancel_training_job(job=row, actor=actor)
        return False  # for ever

    job = make(project=project, actor=actor)
    script_trainer(job, epochs=20, hang_after=2)

    run(job, Watching(1, cancel))

    assert job.status == JobStatus.CANCELLED
    assert not job.test_results.exists()


def test_without_an_engine_training_goes_on_and_is_tested_later(monkeypatch: pytest.MonkeyPatch) -> None:
    class Absent(SumServer):
        def generate(self, job: TrainingJob, checkpoint: Checkpoint | None, *rest: Any) -> list[str]:
            if not self.asked:
                self.asked.append(-1)
                raise Unavailable("The engine is not there.")
            return super().generate(job, checkpoint, *rest)

    monkeypatch.setattr(early_stopping, "AGAIN_SECONDS", 0.0)
    job, server = make(), Absent()
    script_trainer(job, epochs=20, hang_after=3)

    run(job, server)

    assert (job.status, job.code) == (JobStatus.SUCCESS, "early_stopped")
    assert server.asked[:4] == [-1, 1, 2, 3]
    warning = job.events.get(kind="warning")
    assert warning.data["code"] == "test_postponed"
    assert "The engine is not there." in warning.data["message"]


def test_what_was_decided_before_a_crash_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(self: EarlyStopping) -> None:
        raise Crashed("The worker is gone.", "worker_lost")

    job = make()
    script_trainer(job, epochs=20, hang_after=3)
    with monkeypatch.context() as patched:
        patched.setattr(EarlyStopping, "tell", crash)
        run(job)
    assert job.status == JobStatus.PENDING
    due_now(job)

    run(job)

    assert (job.status, job.code) == (JobStatus.SUCCESS, "early_stopped")
    assert not job.events.filter(attempt=2).exists()  # no trainer was started again
    assert job.events.filter(kind="early_stopped").count() == 1


def test_a_crash_of_the_trainer_keeps_what_was_tested() -> None:
    job, server = make(patience=2), SumServer()
    script_trainer(job, epochs=20, die_after=2, attempts=[1])
    run(job, server)
    assert job.status == JobStatus.PENDING
    script_trainer(job, epochs=20, hang_after=4)
    due_now(job)

    run(job, server)

    assert (job.code, numbers(job)) == ("early_stopped", [1, 2, 3, 4])
    assert sorted(server.asked) == [0, 1, 2, 3, 4]
