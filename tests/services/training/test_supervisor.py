"""The supervisor in this process, with a real child that only stands in for the trainer."""

import json
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from embassy.platform.errors import Unavailable
from embassy.platform.storage import get_storage
from embassy.training import lifecycle, selectors, services
from embassy.training.models import JobEvent, TestResult, TrainingJob
from embassy.training.states import JobStatus
from embassy.training.supervisor import run_job
from embassy.training.supervisor import trainer as trainer_module
from embassy.training.supervisor.folder import RunFolder
from embassy.training.supervisor.outcomes import Pausing
from tests.factories.training import due_now, make_job, script_trainer
from tests.fakes.checkpoint_server import SumServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[None]:
    monkeypatch.setattr(trainer_module, "PROGRAM", "tests.fakes.trainer")
    settings.TRAINING_STANDBY = ""
    return iter(())


def run(job: TrainingJob, server: SumServer | None = None) -> TrainingJob:
    run_job(job.pk, server=server or SumServer())
    job.refresh_from_db()
    return job


def statuses(job: TrainingJob) -> list[str]:
    return list(
        JobEvent.objects.filter(job=job, kind="status").order_by("id").values_list("data__status", flat=True)
    )


def assert_whole(job: TrainingJob) -> None:
    """Finished, with each checkpoint, event and loss there once."""
    assert job.status == JobStatus.SUCCESS, job.reason
    assert list(job.checkpoints.values_list("number", flat=True)) == [1, 2, 3]
    assert list(job.loss_points.values_list("step", flat=True)) == list(range(1, 13))
    for attempt in set(job.events.exclude(attempt=None).values_list("attempt", flat=True)):
        seqs = list(job.events.filter(attempt=attempt).order_by("id").values_list("seq", flat=True))
        assert seqs == list(range(1, len(seqs) + 1))


def test_run_goes_through_all_states_and_stores_everything() -> None:
    job = run(make_job(train_test_split_ratio=20, test_functions=("exact_match_shared",)))

    assert_whole(job)
    assert statuses(job) == ["Pending", "Running", "Testing", "Success"]
    assert (job.progress, job.reason, job.lease_owner) == (100, "", "")
    assert job.finished_at is not None
    scores = dict(job.test_results.values_list("number", "scores__exact_match_shared"))
    assert scores == {0: 0.0, 1: 0.5, 2: 1.0, 3: 1.0}
    assert not RunFolder.of(job).path.exists()


def test_checkpoint_row_describes_its_archive() -> None:
    job = run(make_job())
    checkpoint = selectors.get_checkpoint(job, 2)

    with (
        get_storage().open(checkpoint.archive_key) as stream,
        tarfile.open(fileobj=stream, mode="r|gz") as tar,
    ):
        names = tar.getnames()
    assert names == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "evidence.json",
        "prompt_format.json",
    ]
    assert (checkpoint.rank, checkpoint.step, checkpoint.merged) == (16, 8, False)
    assert checkpoint.prompt_format == {"prefix": "<u>", "suffix": "<a>"}
    assert checkpoint.metrics == {"loss": 0.5}
    assert get_storage().size(checkpoint.archive_key) == checkpoint.size_bytes


def test_state_to_go_on_from_is_stored_without_pickles_until_the_end() -> None:
    job = make_job()
    script_trainer(job, die_after=2, attempts=[1])
    run(job)

    with (
        get_storage().open(f"{job.resume_prefix}000000008-1.tar") as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        assert sorted(tar.getnames()) == ["checkpoint-8", "checkpoint-8/trainer_state.json"]
    due_now(job)
    run(job)
    assert_whole(job)
    assert list(get_storage().list(job.resume_prefix)) == []


def test_without_test_rows_nothing_is_generated() -> None:
    server = SumServer()
    job = run(make_job(), server)

    assert_whole(job)
    assert server.asked == []


def test_test_rows_tell_what_was_asked_and_answered() -> None:
    job = run(make_job(train_test_split_ratio=10))
    result = TestResult.objects.get(job=job, number=3)

    rows = selectors.result_rows(result, limit=10)

    assert result.rows == len(rows) == 2
    assert rows[0].keys() >= {
        "line",
        "input_text",
        "expected_output",
        "predicted_output",
        "scores",
        "reasons",
    }
    assert rows[0]["predicted_output"] == rows[0]["expected_output"]


def test_killed_trainer_is_retried_later_and_goes_on() -> None:
    job = make_job(train_test_split_ratio=20)
    script_trainer(job, die_after=2, attempts=[1])

    run(job)

    assert job.status == JobStatus.PENDING
    assert "killed (signal 9)" in job.reason
    assert job.code == "trainer_died"
    assert job.next_retry_at is not None
    assert list(job.checkpoints.values_list("number", flat=True)) == [1, 2]
    run(job)  # not due yet
    assert job.status == JobStatus.PENDING
    due_now(job)
    run(job)
    assert_whole(job)
    started = job.events.get(attempt=2, kind="started")
    assert started.data["resumed_from"] == 2


def test_another_host_goes_on_from_the_stored_state() -> None:
    job = make_job()
    script_trainer(job, die_after=2, attempts=[1])
    run(job)
    RunFolder.of(job).remove()
    due_now(job)

    run(job)

    assert_whole(job)
    assert job.events.get(attempt=2, kind="started").data["resumed_from"] == 2


def test_gives_up_after_as_many_attempts_as_are_allowed(settings: Settings) -> None:
    settings.TRAINING_ATTEMPTS = 2
    job = make_job()
    script_trainer(job, die_after=1)

    run(job)
    script_trainer(job, die_after=2)
    due_now(job)
    run(job)

    assert job.status == JobStatus.FAILED
    assert "Gave up after 2 attempts" in job.reason
    assert job.code == "trainer_died"


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ({"reason": "error", "code": "no_trainable_rows", "message": "No row…"}, JobStatus.FAILED),
        ({"reason": "nan_loss", "code": "nan_loss", "message": "The loss…"}, JobStatus.FAILED),
        ({"reason": "error", "code": "does_not_fit", "message": "Too big…"}, JobStatus.FAILED),
        ({"reason": "time_limit", "code": "time_limit", "message": "Too long…"}, JobStatus.TIMED_OUT),
        ({"reason": "error", "code": "internal_error", "message": "Odd…"}, JobStatus.PENDING),
        ({"reason": "cancelled", "code": "cancelled", "message": "By whom?"}, JobStatus.PENDING),
    ],
)
def test_end_of_the_account_decides(end: dict[str, Any], status: JobStatus) -> None:
    job = make_job()
    script_trainer(job, end=end)

    run(job)

    assert (job.status, job.reason, job.code) == (status, end["message"], end["code"])
    assert job.lease_owner == ""


def test_time_limit_over_all_attempts() -> None:
    job = make_job()
    TrainingJob.objects.filter(pk=job.pk).update(seconds_used=job.spec["time_limit_seconds"] + 1)

    run(job)

    assert (job.status, job.code) == (JobStatus.TIMED_OUT, "time_limit")


def test_interrupted_test_stage_goes_on_where_it_was() -> None:
    class Impatient(SumServer):
        def generate(self, job: TrainingJob, checkpoint: Any, *rest: Any) -> list[str]:
            if checkpoint is not None and checkpoint.number == 2 and -2 not in self.asked:
                self.asked.append(-2)
                raise Unavailable("The engine is gone.")
            return super().generate(job, checkpoint, *rest)

    server = Impatient()
    job = run(make_job(train_test_split_ratio=20), server)
    assert job.status == JobStatus.PENDING
    assert job.reason == "The engine is gone."

    due_now(job)
    run(job, server)

    assert_whole(job)
    assert server.asked == [0, 1, -2, 2, 3]


def test_job_deleted_while_testing_leaves_nothing(project: Any, actor: Any) -> None:
    class Deleting(SumServer):
        def generate(self, job: TrainingJob, checkpoint: Any, *rest: Any) -> list[str]:
            answers = super().generate(job, checkpoint, *rest)
            if checkpoint is not None and checkpoint.number == 1:
                services.delete_training_job(job=TrainingJob.objects.get(pk=job.pk), actor=actor)
                services.purge_objects(prefix=job.prefix)
            return answers

    job = make_job(project=project, actor=actor, train_test_split_ratio=20)

    run_job(job.pk, server=Deleting())

    assert not TrainingJob.objects.filter(pk=job.pk).exists()
    assert list(get_storage().list(job.prefix)) == []
    assert not RunFolder.of(job).path.exists()


def test_two_claims_of_one_job() -> None:
    job = make_job()

    assert lifecycle.claim(job.pk) is not None
    assert lifecycle.claim(job.pk) is None


def test_spec_of_the_run_holds_what_was_frozen() -> None:
    job = make_job(parameters={"num_train_epochs": 2, "dynamic_loss": "true"})
    script_trainer(job, die_after=1)
    run(job)

    spec = json.loads(RunFolder.of(job).spec_file(1).read_text())

    assert spec["base"]["name"] == "tiny-llama-instruct"
    assert spec["base"]["path"].endswith("models/tiny-llama-instruct")
    assert spec["parameters"]["num_train_epochs"] == 2
    assert spec["parameters"]["dynamic_loss"] is True
    assert spec["parameters"]["neftune_noise_alpha"] is None
    assert spec["data"]["train_sha256"] == job.spec["train_sha256"]


def test_a_test_that_is_interrupted_between_rows_asks_only_for_the_rest() -> None:
    class Paused(SumServer):
        """A user pauses the job after two answers of checkpoint 2."""

        def generate(self, job: TrainingJob, checkpoint: Any, prompts: Any, *rest: Any) -> list[str]:
            limit, on_progress, answers = rest

            def pause(done: int) -> None:
                if checkpoint is not None and checkpoint.number == 2 and done == 2:
                    raise Pausing
                on_progress(done)

            return super().generate(job, checkpoint, prompts, limit, pause, answers)

    job, first, second = make_job(train_test_split_ratio=20), Paused(), SumServer()
    run_job(job.pk, server=first)
    job.refresh_from_db()
    rows = job.test_rows
    assert first.prompts_asked == 2 * rows + 2
    due_now(job)

    run(job, second)

    assert_whole(job)
    assert second.prompts_asked == 2 * rows - 2
    assert list(get_storage().list(f"{job.prefix}answers/")) == []
