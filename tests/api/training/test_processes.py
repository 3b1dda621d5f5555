"""POST /v1/projects/{project_id}/training-jobs with several processes"""

from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from tests.factories.datasets import make_dataset
from tests.factories.training import make_rows


@pytest.fixture
def address(project: Project) -> str:
    return f"/v1/projects/{project.public_id}/training-jobs"


@pytest.fixture
def body(project: Project, actor: Actor) -> dict[str, Any]:
    rows = make_dataset(
        project=project, actor=actor, content=make_rows(), file_name="sums.jsonl", name="sums"
    )
    return {"base_model": "tiny-llama-instruct", "train_dataset_id": rows.public_id}


def test_it_works(api: APIClient, address: str, body: dict[str, Any], settings: Settings) -> None:
    settings.TRAINING_PROCESSES = 4
    parameters = {"num_processes": 4, "sharding": "fsdp"}
    answer = api.post(address, body | {"parameters": parameters}, format="json")
    assert answer.status_code == 201, answer.json()
    job = TrainingJob.objects.get(public_id=answer.json()["id"])
    assert job.spec["parameters"].items() >= parameters.items()


def test_more_than_there_are_devices_for(
    api: APIClient, address: str, body: dict[str, Any], settings: Settings
) -> None:
    settings.TRAINING_PROCESSES = 2
    answer = api.post(address, body | {"parameters": {"num_processes": 3}}, format="json")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("parameters.num_processes: training hosts have devices for 2")


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"sharding": "fsdp"}, "num_processes"),
        ({"num_processes": 2, "sharding": "zero"}, "fsdp_offload"),
        ({"num_processes": 0}, "from 1 to 64"),
        ({"num_proceses": 2}, "Did you mean num_processes?"),
    ],
)
def test_what_makes_no_sense_is_refused(
    api: APIClient,
    address: str,
    body: dict[str, Any],
    settings: Settings,
    parameters: dict[str, Any],
    named: str,
) -> None:
    settings.TRAINING_PROCESSES = 8
    answer = api.post(address, body | {"parameters": parameters}, format="json")
    assert answer.status_code == 400
    assert named in answer.json()["error"]
