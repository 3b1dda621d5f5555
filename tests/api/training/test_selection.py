"""POST …/training-jobs and …/grpo: `selection`."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from tests.factories.datasets import make_dataset
from tests.factories.training import make_rows


@pytest.fixture
def body(project: Project, actor: Actor) -> dict[str, Any]:
    dataset = make_dataset(project=project, actor=actor, content=make_rows(), file_name="sums.jsonl")
    return {
        "base_model": "tiny-llama-instruct",
        "train_dataset_id": dataset.public_id,
        "train_test_split_ratio": 20,
        "test_functions": ["exact_match_shared", "test_similarity_shared"],
    }


def create(api: APIClient, project: Project, body: dict[str, Any], path: str = "") -> Any:
    return api.post(f"/v1/projects/{project.public_id}/training-jobs{path}", body, format="json")


def shown(api: APIClient, project: Project, job_id: str) -> Any:
    return api.get(f"/v1/projects/{project.public_id}/training-jobs/{job_id}").json()["selection"]


def test_what_is_asked_is_frozen_and_shown(api: APIClient, project: Project, body: dict[str, Any]) -> None:
    selection = {
        "test_function": "test_similarity_shared",
        "early_stopping_patience": 2,
        "min_delta": 0.01,
        "keep": "best",
    }

    job_id = create(api, project, body | {"selection": selection}).json()["id"]

    assert shown(api, project, job_id) == selection | {"higher_is_better": True}


def test_the_usual_selection(api: APIClient, project: Project, body: dict[str, Any]) -> None:
    job_id = create(api, project, body).json()["id"]

    assert shown(api, project, job_id) == {
        "test_function": "exact_match_shared",
        "higher_is_better": True,
        "early_stopping_patience": None,
        "min_delta": 0.0,
        "keep": "all",
    }


def test_errors_are_known_to_be_better_small(api: APIClient, project: Project, body: dict[str, Any]) -> None:
    job_id = create(api, project, body | {"test_functions": ["absolute_error_shared"]}).json()["id"]

    assert shown(api, project, job_id)["higher_is_better"] is False


def test_without_test_rows_nothing_is_selected(
    api: APIClient, project: Project, body: dict[str, Any]
) -> None:
    del body["train_test_split_ratio"], body["test_functions"]

    job_id = create(api, project, body).json()["id"]

    assert shown(api, project, job_id) is None


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ({"test_function": "none_such"}, "selection.test_function: none_such is none of the job's"),
        ({"early_stopping_patience": 0}, "early_stopping_patience"),
        ({"early_stopping_patience": "soon"}, "early_stopping_patience"),
        ({"min_delta": -1}, "min_delta"),
        ({"keep": "last"}, "keep"),
        ("best", "selection"),
    ],
)
def test_what_is_wrong_is_named(
    api: APIClient, project: Project, body: dict[str, Any], selection: Any, words: str
) -> None:
    answer = create(api, project, body | {"selection": selection})

    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert not TrainingJob.objects.exists()


def test_early_stopping_needs_test_rows(api: APIClient, project: Project, body: dict[str, Any]) -> None:
    del body["train_test_split_ratio"]

    answer = create(api, project, body | {"selection": {"early_stopping_patience": 2}})

    assert answer.status_code == 400
    assert "selection: needs test rows" in answer.json()["error"]


def test_rewards_select_too(api: APIClient, project: Project, body: dict[str, Any]) -> None:
    body |= {
        "test_functions": ["exact_match_shared"],
        "reward": {"exact_match_shared": 1.0},
        "selection": {"early_stopping_patience": 3},
    }

    job_id = create(api, project, body, "/grpo").json()["id"]

    assert shown(api, project, job_id)["early_stopping_patience"] == 3


def test_errors_are_no_reward(api: APIClient, project: Project, body: dict[str, Any]) -> None:
    body |= {"test_functions": ["absolute_error_shared"], "reward": {"absolute_error_shared": 1.0}}

    answer = create(api, project, body, "/grpo")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_reward")
    assert "measures errors" in answer.json()["error"]
