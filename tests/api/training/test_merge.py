"""POST …/checkpoints/{n}/merge"""

from unittest.mock import patch

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Project
from embassy.training import merges, services
from embassy.training.models import Checkpoint, Merge
from embassy.training.states import MergeStatus
from tests.factories.training import make_checkpoint, make_job


@pytest.fixture
def checkpoint(project: Project, actor: Actor) -> Checkpoint:
    return make_checkpoint(make_job(project=project, actor=actor, name="sums"))


def address(checkpoint: Checkpoint, number: int = 1) -> str:
    job = checkpoint.job
    return f"/v1/projects/{job.project.public_id}/training-jobs/{job.public_id}/checkpoints/{number}/merge"


def test_merge_is_queued(
    api: APIClient,
    checkpoint: Checkpoint,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with (
        patch("embassy.platform.enqueue.publish") as publish,
        django_capture_on_commit_callbacks(execute=True),
    ):
        answer = api.post(address(checkpoint))

    merge = Merge.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {
        "kind": "merged",
        "state": "pending",
        "reason": merges.WAITING,
        "size_bytes": None,
        "sha256": None,
        "download_url": None,
    }
    publish.assert_called_once_with("training.merge", merge.pk, queue=None)
    assert AuditEvent.objects.get(verb="checkpoint.merged").subject == checkpoint.job.public_id


def test_asking_again_changes_nothing(api: APIClient, checkpoint: Checkpoint) -> None:
    api.post(address(checkpoint))
    merges.claim(Merge.objects.get().pk)

    answer = api.post(address(checkpoint))

    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    assert Merge.objects.count() == AuditEvent.objects.filter(verb="checkpoint.merged").count() == 1


def test_what_is_there_is_200(api: APIClient, checkpoint: Checkpoint) -> None:
    merge = Merge.objects.create(checkpoint=checkpoint)
    claimed = merges.claim(merge.pk)
    assert claimed is not None
    merges.record_ready(
        claimed,
        token=claimed.lease_token,
        archive_key=checkpoint.archive_key,
        sha256="1" * 64,
        size_bytes=5,
        files={},
    )

    answer = api.post(address(checkpoint))

    shown = answer.json()
    assert (answer.status_code, shown["state"], shown["sha256"]) == (200, "ready", "1" * 64)
    assert shown["download_url"].startswith("http")


def test_whole_model_is_there_already(api: APIClient, project: Project, actor: Actor) -> None:
    checkpoint = make_checkpoint(make_job(project=project, actor=actor), merged=True, rank=0)

    answer = api.post(address(checkpoint))

    assert (answer.status_code, answer.json()["kind"], answer.json()["state"]) == (200, "model", "ready")
    assert not Merge.objects.exists()


def test_failed_one_is_tried_anew(api: APIClient, checkpoint: Checkpoint) -> None:
    Merge.objects.create(checkpoint=checkpoint, status=MergeStatus.FAILED, failures=3, reason="No room.")

    answer = api.post(address(checkpoint))

    merge = Merge.objects.get()
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    assert (merge.failures, merge.reason) == (0, merges.WAITING)


def test_deleting_the_job_takes_it_along(api: APIClient, checkpoint: Checkpoint, actor: Actor) -> None:
    api.post(address(checkpoint))
    claimed = merges.claim(Merge.objects.get().pk)
    assert claimed is not None

    services.delete_training_job(job=checkpoint.job, actor=actor)

    assert not Merge.objects.exists()
    assert not merges.record_ready(
        claimed, token=claimed.lease_token, archive_key="x", sha256="", size_bytes=1, files={}
    )


def test_missing_checkpoint(api: APIClient, checkpoint: Checkpoint) -> None:
    assert api.post(address(checkpoint, 7)).status_code == 404


def test_other_tenant(other_api: APIClient, checkpoint: Checkpoint) -> None:
    assert other_api.post(address(checkpoint)).status_code == 404
    assert not Merge.objects.exists()


def test_no_key(anonymous_api: APIClient, checkpoint: Checkpoint) -> None:
    assert anonymous_api.post(address(checkpoint)).status_code == 401


def test_wrong_method(api: APIClient, checkpoint: Checkpoint) -> None:
    assert api.get(address(checkpoint)).status_code == 405
