"""What a worker stored before it was killed, and whose row it did not live to write."""

import pytest

from embassy.platform.storage import get_storage
from embassy.training import lifecycle
from embassy.training.models import TrainingJob
from embassy.training.supervisor.unnamed import remove_unnamed
from tests.factories.training import due_now, make_checkpoint, make_result, make_running_job

pytestmark = pytest.mark.django_db(transaction=True)


def stored(job: TrainingJob) -> set[str]:
    return {key.removeprefix(job.prefix) for key in get_storage().list(job.prefix)}


def second_attempt(job: TrainingJob) -> TrainingJob:
    lifecycle.record_crash(job, token=job.lease_token, reason="killed", code="worker_lost")
    due_now(job)
    again = lifecycle.claim(job.pk)
    assert again is not None
    return again


def test_only_what_no_row_names_is_removed() -> None:
    job = make_running_job()
    make_checkpoint(job, 1)
    make_result(job, 0, exact_match_shared=1.0)
    before = stored(job)
    for key in ("checkpoints/2-1.tar.gz", "tests/1-1.jsonl"):
        get_storage().put(job.prefix + key, b"")

    remove_unnamed(second_attempt(job))

    assert stored(job) == before


def test_first_attempt_looks_for_nothing() -> None:
    job = make_running_job()
    get_storage().put(f"{job.prefix}tests/0-1.jsonl", b"")

    remove_unnamed(job)

    assert "tests/0-1.jsonl" in stored(job)
