"""POST /v1/projects/{project_id}/training-jobs with preferences."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.datasets.models import Dataset
from embassy.platform.actor import Actor
from embassy.platform.storage import get_storage
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from tests.factories.datasets import jsonl_bytes, make_dataset
from tests.factories.training import make_rows

ROWS = [{"prompt": f"Say {n}.", "chosen": f"{n}", "rejected": f"I say {n}."} for n in range(10)]


@pytest.fixture
def dataset(project: Project, actor: Actor) -> Dataset:
    content = jsonl_bytes([dict(row) for row in ROWS])
    return make_dataset(project=project, actor=actor, content=content, file_name="choices.jsonl")


def post(api: APIClient, project: Project, dataset: Dataset, **changes: Any) -> Any:
    body = {"base_model": "tiny-llama-instruct", "train_dataset_id": dataset.public_id} | changes
    return api.post(f"/v1/projects/{project.public_id}/training-jobs", body, format="json")


@pytest.mark.parametrize("technique", [None, "DPO"])
def test_preferences_are_for_dpo(
    api: APIClient, project: Project, dataset: Dataset, technique: str | None
) -> None:
    answer = post(api, project, dataset, technique=technique, parameters={"beta": 0.2})

    assert answer.status_code == 201, answer.json()
    assert (answer.json()["training_technique"], answer.json()["technique"]) == ("SFT", "DPO")
    job = TrainingJob.objects.get(public_id=answer.json()["id"])
    assert (job.spec["technique"], job.spec["parameters"]["beta"]) == ("DPO", 0.2)
    assert job.name.startswith("tiny-llama-instruct-dpo-")


def test_rows_are_split_by_their_prompts(api: APIClient, project: Project, dataset: Dataset) -> None:
    answer = post(api, project, dataset, train_test_split_ratio=30)

    job = TrainingJob.objects.get(public_id=answer.json()["id"])
    rows = [json.loads(line) for line in get_storage().read(job.test_key).splitlines()]
    assert (job.train_rows, job.test_rows) == (7, 3)
    assert rows[0]["chosen"][0]["role"] == "assistant"


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"technique": "SFT"}, "wrong_kind_of_dataset", "holds preferences; SFT"),
        ({"technique": "GRPO"}, "invalid_input", "For GRPO use POST"),
        ({"parameters": {"neftune_noise_alpha": 5}}, "unknown_parameter", "neftune_noise_alpha"),
    ],
)
def test_what_does_not_fit(
    api: APIClient, project: Project, dataset: Dataset, changes: dict[str, Any], code: str, said: str
) -> None:
    answer = post(api, project, dataset, **changes)

    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.json()
    assert said in answer.json()["error"]


def test_dpo_needs_preferences(api: APIClient, project: Project, actor: Actor) -> None:
    prompts = make_dataset(project=project, actor=actor, content=make_rows(), file_name="sums.jsonl")
    answer = post(api, project, prompts, technique="DPO")

    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_kind_of_dataset")
