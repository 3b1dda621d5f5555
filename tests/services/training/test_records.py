"""What a run writes down, and that only its present owner may."""

from datetime import UTC, datetime
from typing import Any

import pytest

from embassy.training import lifecycle, records
from embassy.training.models import Checkpoint, TestResult, TrainingJob
from embassy.training.records import Fenced, Line
from tests.factories.training import make_running_job

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def job() -> TrainingJob:
    return make_running_job()


def step(seq: int, number: int, loss: Any = 1.0) -> Line:
    return Line(seq, "step", NOW, {"step": number, "loss": loss, "progress": number / 10})


def store(
    job: TrainingJob, *lines: Line, token: int | None = None, attempt: int = 1, offset: int = 10
) -> None:
    token = job.lease_token if token is None else token
    records.record_lines(job, lines, token=token, attempt=attempt, offset=offset, seconds_used=1.5)


def checkpoint(job: TrainingJob) -> Checkpoint:
    return Checkpoint(job=job, number=1, step=4, archive_key="k", sha256="0" * 64, size_bytes=1)


def test_batch_and_offset_together(job: TrainingJob) -> None:
    store(job, step(1, 1), step(2, 5), offset=99)

    job.refresh_from_db()
    assert (job.events_attempt, job.events_offset, job.seconds_used, job.progress) == (1, 99, 1.5, 45)
    assert job.events.filter(kind="step").count() == 2


def test_same_lines_twice_change_nothing(job: TrainingJob) -> None:
    store(job, step(1, 1), step(2, 2))
    store(job, step(1, 1), step(2, 2))

    assert job.events.filter(kind="step").count() == 2
    assert job.loss_points.count() == 2


def test_repeated_step_of_a_resumed_run_replaces_its_loss(job: TrainingJob) -> None:
    store(job, step(1, 3, 2.0))
    store(job, step(1, 3, 1.0), step(2, 3, 0.5), attempt=2)

    assert list(job.loss_points.values_list("step", "loss")) == [(3, 0.5)]
    assert job.events.filter(kind="step").count() == 3


def test_loss_that_is_no_number_is_an_event_but_no_point(job: TrainingJob) -> None:
    store(job, step(1, 1, "nan"), step(2, 2, None))

    assert job.loss_points.count() == 0
    assert job.events.filter(kind="step").count() == 2


def test_progress_never_falls(job: TrainingJob) -> None:
    store(job, step(1, 8))
    store(job, step(1, 2), attempt=2)
    records.record_progress(job, 50, token=job.lease_token)

    job.refresh_from_db()
    assert job.progress == 72


def test_checkpoint_and_result_once(job: TrainingJob) -> None:
    for _ in range(2):
        records.record_checkpoint(job, checkpoint(job), token=job.lease_token)
        records.record_result(job, TestResult(job=job, number=0, rows_key="k", rows=1), token=job.lease_token)

    assert job.checkpoints.count() == 1
    assert job.test_results.count() == 1


def test_old_token_writes_nothing(job: TrainingJob) -> None:
    old = job.lease_token
    lifecycle.give_back(job, token=old, reason="x")
    assert lifecycle.claim(job.pk) is not None

    for write in (
        lambda: store(job, step(1, 1), token=old),
        lambda: records.record_checkpoint(job, checkpoint(job), token=old),
        lambda: records.record_result(job, TestResult(job=job, number=0, rows=1), token=old),
        lambda: records.record_progress(job, 5, token=old),
    ):
        with pytest.raises(Fenced):
            write()
    assert job.events.exclude(kind="status").count() == 0
    assert not lifecycle.record_crash(job, token=old, reason="x", code="x")
    assert not lifecycle.begin_testing(job, token=old)
    assert not lifecycle.give_back(job, token=old, reason="x")


def test_deleted_job_writes_nothing(job: TrainingJob) -> None:
    token, pk = job.lease_token, job.pk
    job.delete()
    job.pk = pk

    with pytest.raises(Fenced):
        store(job, step(1, 1), token=token)
