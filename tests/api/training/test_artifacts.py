"""GET …/checkpoints/{n}/artifacts"""

import pytest
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import Checkpoint, Merge
from embassy.training.states import MergeStatus
from tests.factories.training import make_checkpoint, make_job


@pytest.fixture
def checkpoint(project: Project, actor: Actor) -> Checkpoint:
    return make_checkpoint(make_job(project=project, actor=actor, name="sums"))


def address(checkpoint: Checkpoint, number: int = 1) -> str:
    job = checkpoint.job
    return (
        f"/v1/projects/{job.project.public_id}/training-jobs/{job.public_id}/checkpoints/{number}/artifacts"
    )


def test_adapter_and_evidence(api: APIClient, checkpoint: Checkpoint) -> None:
    adapter, evidence = api.get(address(checkpoint)).json()

    assert (adapter["kind"], adapter["state"], adapter["reason"]) == ("adapter", "ready", "")
    assert (adapter["size_bytes"], adapter["sha256"]) == (checkpoint.size_bytes, checkpoint.sha256)
    assert adapter["download_url"].startswith("http")
    assert (evidence["kind"], evidence["state"]) == ("evidence", "ready")
    assert len(evidence["sha256"]) == 64


def test_whole_model(api: APIClient, project: Project, actor: Actor) -> None:
    checkpoint = make_checkpoint(make_job(project=project, actor=actor), merged=True, rank=0)

    kinds = [artifact["kind"] for artifact in api.get(address(checkpoint)).json()]

    assert kinds == ["model", "evidence"]


@pytest.mark.parametrize("status", [MergeStatus.PENDING, MergeStatus.RUNNING, MergeStatus.FAILED])
def test_merge_that_is_not_there_yet(api: APIClient, checkpoint: Checkpoint, status: str) -> None:
    Merge.objects.create(checkpoint=checkpoint, status=status, reason="A word about it.")

    merged = api.get(address(checkpoint)).json()[1]

    assert (merged["kind"], merged["state"], merged["reason"]) == ("merged", status, "A word about it.")
    assert (merged["download_url"], merged["size_bytes"], merged["sha256"]) == (None, None, None)


def test_missing_checkpoint(api: APIClient, checkpoint: Checkpoint) -> None:
    answer = api.get(address(checkpoint, 7))

    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


def test_other_tenant(other_api: APIClient, checkpoint: Checkpoint) -> None:
    assert other_api.get(address(checkpoint)).status_code == 404


def test_no_key(anonymous_api: APIClient, checkpoint: Checkpoint) -> None:
    assert anonymous_api.get(address(checkpoint)).status_code == 401


def test_wrong_method(api: APIClient, checkpoint: Checkpoint) -> None:
    assert api.post(address(checkpoint)).status_code == 405
