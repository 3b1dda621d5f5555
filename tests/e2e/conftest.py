"""What tests of a running platform share; the platform itself comes from tests/plugins/live.py."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.live import LivePlatform, sample_rows


@dataclass(frozen=True)
class Trained:
    """A project with a finished job and a deployment of its last checkpoint."""

    project: str
    job: dict[str, Any]
    deployment: dict[str, Any]


@pytest.fixture(scope="session")
def trained(platform: LivePlatform) -> Trained:
    project = platform.create_project("trained")
    train = platform.upload(project, sample_rows("train", 400), name="train")
    heldout = platform.upload(project, sample_rows("heldout", 60), name="heldout")
    parameters = {"learning_rate": 0.003, "num_train_epochs": 4, "per_device_train_batch_size": 16}
    job = platform.train(project, train, test_dataset_id=heldout, parameters=parameters)
    finished = platform.wait_for_job(project, job)
    assert finished["status"] == "Success", finished
    body = {"training_job_id": job, "checkpoint": 4, "name": "router"}
    created = platform.call("POST", f"/v1/projects/{project}/deployments", expect=201, json=body)
    return Trained(project, finished, platform.wait_for_deployment(project, created["id"]))
