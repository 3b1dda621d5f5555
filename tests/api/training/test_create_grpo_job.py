"""POST /v1/projects/{project_id}/training-jobs/grpo"""

from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.datasets.models import Dataset
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from embassy.training.supervisor.folder import RunFolder
from tests.conftest import client_for
from tests.factories.datasets import jsonl_bytes, make_dataset
from tests.factories.projects import make_key
from tests.factories.training import make_checkpoint, make_job, make_rows

WEIGHTS = {"exact_match_shared": 0.8, "length_limit_shared": 0.2}


@pytest.fixture
def dataset(project: Project, actor: Actor) -> Dataset:
    return make_dataset(project=project, actor=actor, content=make_rows(), file_name="sums.jsonl")


def address(project: Project) -> str:
    return f"/v1/projects/{project.public_id}/training-jobs/grpo"


def body(dataset: Dataset, **changes: Any) -> dict[str, Any]:
    return {
        "base_model": "tiny-llama-instruct",
        "train_dataset_id": dataset.public_id,
        "test_functions": list(WEIGHTS),
        "reward": WEIGHTS,
    } | changes


def test_it_works(api: APIClient, project: Project, dataset: Dataset) -> None:
    asked = body(dataset, parameters={"num_generations": 4}, train_test_split_ratio=20, name="rewarded")

    answer = api.post(address(project), asked, format="json")

    assert answer.status_code == 201, answer.json()
    shown = answer.json()
    assert (shown["training_technique"], shown["task_type"]) == ("GRPO", "text-generation")
    assert shown["reward"] == WEIGHTS
    assert shown["test_functions"] == list(WEIGHTS)
    detail = api.get(f"/v1/projects/{project.public_id}/training-jobs/{shown['id']}").json()
    assert (detail["training_technique"], detail["reward"]) == ("GRPO", WEIGHTS)
    assert detail["hyper_parameters"]["num_generations"] == 4
    assert (detail["train_rows"], detail["test_rows"]) == (16, 4)


def test_the_trainer_is_told_of_the_rewards(api: APIClient, project: Project, dataset: Dataset) -> None:
    shown = api.post(address(project), body(dataset), format="json").json()
    job = TrainingJob.objects.get(public_id=shown["id"])
    folder = RunFolder.of(job)
    folder.path.mkdir(parents=True)

    told = folder._spec(job, 1, 60.0)

    assert {reward.name: reward.weight for reward in told.rewards} == WEIGHTS
    assert (told.technique, told.task) == ("GRPO", "text-generation")


def test_rewards_without_test_rows_are_no_cause_for_a_warning(
    api: APIClient, project: Project, dataset: Dataset
) -> None:
    shown = api.post(address(project), body(dataset), format="json").json()

    assert not TrainingJob.objects.get(public_id=shown["id"]).events.filter(kind="warning").exists()


def test_weights_may_miss_one_by_rounding(api: APIClient, project: Project, dataset: Dataset) -> None:
    names = ["exact_match_shared", "contains_shared", "token_f1_shared"]
    asked = body(dataset, test_functions=names, reward=dict.fromkeys(names, 0.3333333))

    assert api.post(address(project), asked, format="json").status_code == 201


def test_goes_on_from_a_checkpoint(api: APIClient, project: Project, dataset: Dataset, actor: Actor) -> None:
    make_checkpoint(make_job(project=project, actor=actor, name="parent"))
    asked = body(dataset, base_model_option="fine-tuned", base_model="parent", checkpoint=1)

    shown = api.post(address(project), asked, format="json").json()

    assert (shown["base_fine_tuned_model"], shown["base_fine_tuned_model_checkpoint"]) == ("parent", 1)


def test_hugging_face_link(api: APIClient, project: Project, dataset: Dataset) -> None:
    link = "https://huggingface.co/Qwen/Qwen3-0.6B"
    asked = body(dataset, base_model="HF_MODEL", hf_model_link=link)

    assert api.post(address(project), asked, format="json").json()["base_model"] == "Qwen3-0.6B"


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"reward": {"exact_match_shared": 1}}, "invalid_reward", "give a weight to length_limit_shared"),
        ({"reward": WEIGHTS | {"bleu_shared": 0.0}}, "invalid_reward", "bleu_shared is not among"),
        (
            {"reward": dict.fromkeys(WEIGHTS, 0.6)},
            "invalid_reward",
            "reward: the weights must sum to 1, not 1.2.",
        ),
        (
            {"reward": {"exact_match_shared": 1.5, "length_limit_shared": -0.5}},
            "invalid_reward",
            "the weight of length_limit_shared must be at least 0",
        ),
        ({"reward": {"exact_match_shared": "much", "length_limit_shared": 1}}, "invalid_input", "reward"),
        ({"reward": {}}, "invalid_reward", "give a weight to"),
        ({"reward": None}, "invalid_input", "reward"),
        ({"test_functions": []}, "invalid_input", "test_functions"),
        ({"test_functions": ["exact_mach_shared"]}, "unknown_test_function", "exact_match_shared"),
        ({"parameters": {"num_generations": 5}}, "invalid_parameter", "num_generations: must divide"),
        ({"parameters": {"num_generations": 1}}, "invalid_parameter", "from 2 to 64"),
        ({"parameters": {"dynamic_loss": True}}, "unknown_parameter", "parameters.dynamic_loss"),
        ({"task_type": "classification"}, "unsupported_task", "cannot be trained with GRPO"),
        ({"base_model": "all-MiniLM-L6-v2"}, "unsupported_task", "embedding"),
        ({"base_model_option": "fine-tuned"}, "invalid_input", "checkpoint"),
        ({"train_dataset_id": "ds-nothing"}, "unknown_dataset", "train_dataset_id"),
    ],
)
def test_what_is_wrong_is_said(
    api: APIClient, project: Project, dataset: Dataset, changes: dict[str, Any], code: str, said: str
) -> None:
    answer = api.post(address(project), body(dataset) | changes, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.json()
    assert said in answer.json()["error"]
    assert not TrainingJob.objects.exists()


@pytest.mark.parametrize("field", ["test_functions", "reward", "base_model", "train_dataset_id"])
def test_what_is_missing(api: APIClient, project: Project, dataset: Dataset, field: str) -> None:
    asked = body(dataset)
    del asked[field]
    answer = api.post(address(project), asked, format="json")

    assert answer.status_code == 400
    assert field in answer.json()["error"]


def test_preferences_are_not_for_rewards(api: APIClient, project: Project, actor: Actor) -> None:
    rows = jsonl_bytes([{"prompt": "Say yes.", "chosen": "yes", "rejected": "no"}])
    dataset = make_dataset(project=project, actor=actor, content=rows, file_name="choices.jsonl")
    answer = api.post(address(project), body(dataset), format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_kind_of_dataset")


@pytest.mark.parametrize("asked", [[], "text", None])
def test_body_that_is_no_object(api: APIClient, project: Project, asked: Any) -> None:
    assert api.post(address(project), asked, format="json").status_code == 400


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_wrong_method(api: APIClient, project: Project, method: str) -> None:
    answer = getattr(api, method)(address(project))

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_other_tenant(other_api: APIClient, project: Project, dataset: Dataset) -> None:
    answer = other_api.post(address(project), body(dataset), format="json")

    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


def test_no_key(anonymous_api: APIClient, project: Project, dataset: Dataset) -> None:
    assert anonymous_api.post(address(project), body(dataset), format="json").status_code == 401


def test_key_that_may_only_read(project: Project, dataset: Dataset) -> None:
    _, plain = make_key(project.organization, scopes=["training:read"])

    answer = client_for(plain).post(address(project), body(dataset), format="json")

    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
