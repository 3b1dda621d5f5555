"""The moves of a merge that need no process."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.utils import timezone

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training import best, lifecycle, merges, records
from embassy.training.models import Checkpoint, Merge, TestResult
from embassy.training.states import MergeStatus
from tests.factories.training import make_checkpoint, make_job, make_running_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def checkpoint(project: Project, actor: Actor) -> Checkpoint:
    return make_checkpoint(make_job(project=project, actor=actor))


@pytest.fixture
def running(checkpoint: Checkpoint, actor: Actor) -> Merge:
    merge = merges.merge_checkpoint(checkpoint=checkpoint, actor=actor)
    assert merge is not None
    claimed = merges.claim(merge.pk)
    assert claimed is not None
    return claimed


def change(merge: Merge, **values: Any) -> None:
    Merge.objects.filter(pk=merge.pk).update(**values)
    merge.refresh_from_db()


def test_only_one_claims_it(running: Merge) -> None:
    assert merges.claim(running.pk) is None


def test_one_that_is_not_due_is_left(running: Merge) -> None:
    merges.record_failure(running, token=running.lease_token, reason="No room.", code="disk_full")

    assert running.next_retry_at is not None
    assert merges.claim(running.pk) is None
    change(running, next_retry_at=timezone.now() - timedelta(seconds=1))
    assert merges.claim(running.pk) is not None


def test_living_owner_is_left_alone(running: Merge) -> None:
    merges.reconcile()

    running.refresh_from_db()
    assert running.status == MergeStatus.RUNNING


def test_expired_lease_is_given_to_another(running: Merge) -> None:
    token = running.lease_token
    change(running, lease_until=timezone.now() - timedelta(seconds=1), lease_owner="elsewhere:1")

    merges.reconcile()

    running.refresh_from_db()
    assert (running.status, running.code) == (MergeStatus.PENDING, "worker_lost")
    assert running.lease_token > token


def test_old_token_records_nothing(running: Merge) -> None:
    token = running.lease_token
    merges.give_back(running, token=token)

    assert not merges.record_failure(running, token=token, reason="x", code="x")
    assert not merges.record_ready(
        running, token=token, archive_key="k", sha256="0" * 64, size_bytes=1, files={}
    )
    running.refresh_from_db()
    assert (running.status, running.archive_key) == (MergeStatus.PENDING, "")


def test_merged_model_goes_with_a_checkpoint_that_is_not_kept(
    project: Project, actor: Actor, django_capture_on_commit_callbacks: Any
) -> None:
    job = make_running_job(
        project=project, actor=actor, train_test_split_ratio=20, selection={"keep": "best"}
    )
    worse, better = make_checkpoint(job, 1), make_checkpoint(job, 2)
    for checkpoint in (worse, better):
        key = f"{job.prefix}merged/{checkpoint.number}-1.tar.gz"
        Merge.objects.create(checkpoint=checkpoint, status=MergeStatus.READY, archive_key=key)
    lifecycle.begin_testing(job, token=job.lease_token)
    for number, score in enumerate((0.0, 0.1, 0.9)):
        result = TestResult(
            job=job, number=number, rows_key="r", rows=1, scores={"exact_match_shared": score}
        )
        records.record_result(job, result, token=job.lease_token)

    with (
        patch("embassy.platform.enqueue.publish") as publish,
        django_capture_on_commit_callbacks(execute=True),
    ):
        assert best.succeed(job, token=job.lease_token)

    purged = {call.args[1] for call in publish.call_args_list if call.args[0] == "training.purge"}
    assert purged == {worse.archive_key, f"{job.prefix}merged/1-1.tar.gz"}
    assert list(Merge.objects.values_list("checkpoint__number", flat=True)) == [2]
