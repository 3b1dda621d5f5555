"""GET …/checkpoints/{n}/evidence"""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import Checkpoint, JobEvent, Merge, TrainingJob
from embassy.training.states import MergeStatus
from tests.factories.training import make_checkpoint, make_job, make_result

FACTS = {
    "attempt": 1,
    "epoch": 1.0,
    "base": {"name": "tiny-llama-instruct", "revision": "r1", "sha256": "b" * 64},
    "chat_template_sha256": "c" * 64,
    "parameters": {"learning_rate": 0.1},
    "versions": {"torch": "2.13.0"},
    "precision": "fp32",
    "threads": 1,
    "files": {"adapter_model.safetensors": "f" * 64},
}


@pytest.fixture
def job(project: Project, actor: Actor) -> TrainingJob:
    return make_job(project=project, actor=actor, name="sums", train_test_split_ratio=20)


@pytest.fixture
def checkpoint(job: TrainingJob) -> Checkpoint:
    return make_checkpoint(job, evidence=FACTS, metrics={"loss": 0.5}, parity={"passed": True})


def address(checkpoint: Checkpoint, number: int = 1) -> str:
    job = checkpoint.job
    return f"/v1/projects/{job.project.public_id}/training-jobs/{job.public_id}/checkpoints/{number}/evidence"


def test_what_it_was_made_from(api: APIClient, checkpoint: Checkpoint) -> None:
    job = checkpoint.job
    evidence = api.get(address(checkpoint)).json()

    assert evidence["product"]["name"] == "Embassy"
    assert evidence["product"]["version"]
    assert evidence["base_model"] == {
        "name": "tiny-llama-instruct",
        "revision": "r1",
        "weights_sha256": "b" * 64,
    }
    train, test = evidence["datasets"]["train"], evidence["datasets"]["test"]
    assert job.train_dataset is not None
    assert (train["id"], train["name"]) == (job.train_dataset.public_id, job.train_dataset.name)
    assert train["dataset_sha256"] == job.train_dataset.revision
    assert (train["rows"], test["rows"]) == (16, 4)
    assert train["rows_sha256"] == job.spec["train_sha256"] != test["rows_sha256"]
    assert evidence["datasets"]["drawn"]["rows"]["held_out"] == 4
    assert evidence["chat_template_sha256"] == "c" * 64
    assert evidence["parameters"] == {"asked": job.parameters, "used": FACTS["parameters"]}
    assert evidence["seeds"]["training"] == 0


def test_how_it_was_made_and_what_came_of_it(api: APIClient, checkpoint: Checkpoint) -> None:
    JobEvent.objects.create(
        job=checkpoint.job,
        attempt=1,
        seq=1,
        kind="started",
        at=datetime.now(UTC),
        data={"device": "a big one", "memory_total": 5},
    )
    make_result(checkpoint.job, 0, exact_match_shared=0.0)
    make_result(checkpoint.job, 1, exact_match_shared=0.9)

    evidence = api.get(address(checkpoint)).json()

    environment = evidence["environment"]
    assert environment["packages"] == {"torch": "2.13.0"}
    assert (environment["device"], environment["memory_bytes"]) == ("a big one", 5)
    assert evidence["metrics"] == {"loss": 0.5}
    assert evidence["parity"] == {"passed": True}
    assert evidence["tests"]["base"]["scores"] == {"exact_match_shared": 0.0}
    assert evidence["tests"]["checkpoint"]["scores"] == {"exact_match_shared": 0.9}
    function = checkpoint.job.spec["test_functions"][0]
    assert evidence["tests"]["functions"][0]["source_sha256"] == (
        hashlib.sha256(function["content"].encode()).hexdigest()
    )
    assert evidence["checkpoint"]["archive"]["sha256"] == checkpoint.sha256
    assert evidence["checkpoint"]["archive"]["files"] == FACTS["files"]
    assert evidence["merged"] is None
    assert evidence["started_from"] is None


def test_merged_model(api: APIClient, checkpoint: Checkpoint) -> None:
    Merge.objects.create(
        checkpoint=checkpoint, status=MergeStatus.READY, sha256="1" * 64, size_bytes=5, files={"a": "2" * 64}
    )

    merged = api.get(address(checkpoint)).json()["merged"]

    assert merged == {"sha256": "1" * 64, "size_bytes": 5, "files": {"a": "2" * 64}}


def test_checkpoint_that_it_started_from(
    api: APIClient, project: Project, actor: Actor, checkpoint: Checkpoint
) -> None:
    job = make_job(project=project, actor=actor, base_model_option="fine-tuned", base_model="sums")

    started_from = api.get(address(make_checkpoint(job))).json()["started_from"]

    assert (started_from["job"], started_from["checkpoint"]) == ("sums", 1)
    assert started_from["archive_sha256"] == checkpoint.sha256


def test_file_is_the_one_whose_checksum_is_shown(api: APIClient, checkpoint: Checkpoint) -> None:
    shown = api.get(address(checkpoint).replace("/evidence", "/artifacts")).json()[-1]

    answer = api.get(address(checkpoint), {"download": "true"})

    assert answer["Content-Disposition"].startswith('attachment; filename="sums-checkpoint-1-evidence.json"')
    assert hashlib.sha256(answer.content).hexdigest() == shown["sha256"]
    assert len(answer.content) == shown["size_bytes"]
    assert shown["download_url"].endswith(f"{address(checkpoint)}?download=true")
    assert json.loads(answer.content)["format"] == 1


def test_not_as_a_file_unless_asked(api: APIClient, checkpoint: Checkpoint) -> None:
    answer = api.get(address(checkpoint))

    assert (answer["Content-Type"], "Content-Disposition" in answer) == ("application/json", False)


def test_bad_query(api: APIClient, checkpoint: Checkpoint) -> None:
    assert api.get(address(checkpoint), {"download": "perhaps"}).status_code == 400


def test_missing_checkpoint(api: APIClient, checkpoint: Checkpoint) -> None:
    assert api.get(address(checkpoint, 7)).status_code == 404


def test_other_tenant(other_api: APIClient, checkpoint: Checkpoint) -> None:
    assert other_api.get(address(checkpoint)).status_code == 404


def test_no_key(anonymous_api: APIClient, checkpoint: Checkpoint) -> None:
    assert anonymous_api.get(address(checkpoint)).status_code == 401


def test_wrong_method(api: APIClient, checkpoint: Checkpoint) -> None:
    assert api.delete(address(checkpoint)).status_code == 405
