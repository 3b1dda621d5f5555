"""The serving engine answers as the trainer did; where it does not, that is found out and told."""

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load, save

from tests.e2e.inside import Inside
from tests.e2e.live import LivePlatform, sample_rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

WEIGHTS = "adapter_model.safetensors"
KINDS: dict[str, dict[str, Any]] = {
    "text": {"parameters": {"num_train_epochs": 2, "learning_rate": 0.003}},
    "head": {"parameters": {"num_train_epochs": 1}, "task_type": "classification"},
    "merged": {"parameters": {"num_train_epochs": 1, "use_dora": True}},
}


@pytest.fixture(scope="module")
def project(platform: LivePlatform) -> str:
    return platform.create_project("parity")


@pytest.fixture(scope="module")
def jobs(platform: LivePlatform, project: str) -> dict[str, str]:
    """A finished job of each kind, none of which has test rows."""
    dataset = platform.upload(project, sample_rows("train", 80), name="tickets")
    address = f"/v1/projects/{project}/training-jobs"
    body = {"base_model": "tiny-llama-instruct", "train_dataset_id": dataset}
    ids = {
        kind: str(platform.call("POST", address, expect=201, json=body | options)["id"])
        for kind, options in KINDS.items()
    }
    for job in ids.values():
        finished = platform.wait_for_job(project, job)
        assert finished["status"] == "Success", finished
    return ids


def checkpoints(platform: LivePlatform, project: str, job: str) -> list[dict[str, Any]]:
    rows = platform.call("GET", f"/v1/projects/{project}/training-jobs/{job}/checkpoints")
    return sorted(rows, key=lambda row: int(row["checkpoint"]))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_served_is_what_was_trained(
    platform: LivePlatform, project: str, jobs: dict[str, str], kind: str
) -> None:
    rows = checkpoints(platform, project, jobs[kind])

    assert len(rows) == KINDS[kind]["parameters"]["num_train_epochs"]
    for row in rows:
        parity = row["parity"]
        assert parity["status"] == "passed", parity
        assert len(parity["probes"]) == 4
        # The tolerance leaves room for other machines; on the same one hardly any is used.
        assert max(probe["difference"] for probe in parity["probes"]) < 0.001
    path = f"/v1/projects/{project}/training-jobs/{jobs[kind]}/events"
    events = [event for event in platform.call("GET", path) if event["event"] == "parity"]
    assert [event["details"]["status"] for event in events] == ["passed"] * len(rows)


def test_tuning_changes_the_answers(platform: LivePlatform, project: str, jobs: dict[str, str]) -> None:
    probes = checkpoints(platform, project, jobs["text"])[-1]["parity"]["probes"]

    assert all(probe["change"] > 0.1 for probe in probes)
    assert all(probe["change_served"] == pytest.approx(probe["change"], abs=0.01) for probe in probes)


def test_weights_that_were_tampered_with_are_found_out(
    platform: LivePlatform, project: str, jobs: dict[str, str]
) -> None:
    job = jobs["text"]
    with Inside(platform.home) as inside:
        first, second = (key for (key,) in inside.rows(KEYS, job))
        early = adapter(platform.home / "files" / first)
        tamper(inside, first, {name: array * 0 for name, array in early.items()})
        tamper(inside, second, early)
        assert inside.rows(TEST_AGAIN, job)
    assert platform.wait_for_job(project, job)["status"] == "Success"

    emptied, swapped = (row["parity"] for row in checkpoints(platform, project, job))
    assert (emptied["status"], swapped["status"]) == ("failed", "failed")
    assert "the base model" in emptied["reason"]
    assert swapped["reason"].startswith("The engine does not answer as the trainer did.")

    path = f"/v1/projects/{project}/deployments"
    body = {"training_job_id": job, "checkpoint": 2, "name": "tampered"}
    refused = platform.call("POST", path, expect=400, json=body)
    assert refused["code"] == "parity_failed"
    assert swapped["reason"] in refused["error"]
    forced = platform.call("POST", path, expect=201, json=body | {"force": True})
    platform.wait_for_deployment(project, forced["id"])
    platform.call("DELETE", f"{path}/{forced['id']}", expect=204)


KEYS = """
    SELECT archive_key FROM training_checkpoint
    WHERE job_id = (SELECT id FROM training_trainingjob WHERE public_id = %s) ORDER BY number
"""
REPLACED = """
    UPDATE training_checkpoint SET parity = NULL, sha256 = %s, size_bytes = %s
    WHERE archive_key = %s RETURNING 1
"""
# As if the worker had died after training: what is left is to test.
TEST_AGAIN = """
    UPDATE training_trainingjob SET status = 'Pending', published_at = NULL, finished_at = NULL
    WHERE public_id = %s RETURNING 1
"""


def adapter(archive: Path) -> dict[str, Any]:
    with tarfile.open(archive) as files:
        content = files.extractfile(WEIGHTS)
        assert content is not None
        return dict(load(content.read()))


def tamper(inside: Inside, key: str, weights: dict[str, Any]) -> None:
    """Other weights under the same key, as a faulty export would have stored them."""
    archive = inside.home / "files" / key
    buffer = io.BytesIO()
    with tarfile.open(archive) as source, tarfile.open(fileobj=buffer, mode="w:gz") as target:
        for entry in source:
            content = source.extractfile(entry)
            data = save(weights) if entry.name == WEIGHTS else content.read() if content else b""
            entry.size = len(data)
            target.addfile(entry, io.BytesIO(data))
    archive.write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    assert inside.rows(REPLACED, digest, len(buffer.getvalue()), key)
