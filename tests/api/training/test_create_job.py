"""POST /v1/projects/{project_id}/training-jobs"""

from typing import Any
from unittest.mock import patch

import pytest
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from embassy.datasets import services as datasets
from embassy.datasets.models import Dataset
from embassy.platform.actor import Actor
from embassy.platform.storage import get_storage
from embassy.projects.models import AuditEvent, Project
from embassy.training import selectors
from embassy.training.models import TrainingJob
from tests.conftest import client_for
from tests.factories.datasets import jsonl_bytes, make_dataset
from tests.factories.projects import make_key
from tests.factories.training import make_checkpoint, make_job, make_rows


@pytest.fixture
def dataset(project: Project, actor: Actor) -> Dataset:
    return make_dataset(
        project=project, actor=actor, content=make_rows(), file_name="sums.jsonl", name="sums"
    )


def address(project: Project) -> str:
    return f"/v1/projects/{project.public_id}/training-jobs"


def body(dataset: Dataset, **changes: Any) -> dict[str, Any]:
    return {"base_model": "tiny-llama-instruct", "train_dataset_id": dataset.public_id} | changes


def test_it_works(
    api: APIClient,
    project: Project,
    dataset: Dataset,
    actor: Actor,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    asked = body(
        dataset,
        name="first",
        train_test_split_ratio=20,
        test_functions=["exact_match_shared"],
        parameters={"num_train_epochs": 2},
    )
    with (
        patch("embassy.platform.enqueue.publish") as publish,
        django_capture_on_commit_callbacks(execute=True),
    ):
        answer = api.post(address(project), asked, format="json")

    assert answer.status_code == 201, answer.json()
    shown = answer.json()
    job = TrainingJob.objects.get(public_id=shown["id"])
    assert shown["id"].startswith("tr-")
    assert shown["name"] == "first"
    assert (shown["status"], shown["progress"], shown["training_technique"]) == ("Pending", 0, "SFT")
    assert (shown["task_type"], shown["base_model_option"]) == ("text-generation", "pre-trained")
    assert shown["reason"] == "Waiting for a training worker."
    assert shown["train_dataset_name"] == "sums"
    assert shown["created_by"] == actor.user_public_id
    assert isinstance(shown["created_at"], int)
    assert "base_fine_tuned_model" not in shown
    assert (job.train_rows, job.test_rows) == (16, 4)
    assert job.parameters["num_train_epochs"] == 2
    assert job.parameters["learning_rate"] == 0.003
    publish.assert_called_once_with("training.run", job.pk, queue=None)
    assert AuditEvent.objects.get(verb="training_job.created").subject == job.public_id


def test_rows_are_copied_so_that_the_dataset_may_go(
    api: APIClient, project: Project, dataset: Dataset, actor: Actor
) -> None:
    answer = api.post(address(project), body(dataset, train_test_split_ratio=50), format="json")
    datasets.delete_dataset(dataset=dataset, actor=actor)
    datasets.purge_objects(prefix=dataset.prefix)

    job = TrainingJob.objects.get(public_id=answer.json()["id"])

    assert get_storage().read(job.train_key).count(b"\n") == 10
    assert get_storage().read(job.test_key).count(b"\n") == 10
    detail = api.get(f"{address(project)}/{job.public_id}").json()
    assert detail["train_dataset"]["name"] == "sums"


def test_split_is_the_same_each_time(api: APIClient, project: Project, dataset: Dataset) -> None:
    for _ in range(2):
        api.post(address(project), body(dataset, train_test_split_ratio=30), format="json")

    first, second = TrainingJob.objects.order_by("id")
    assert get_storage().read(first.test_key) == get_storage().read(second.test_key)
    assert first.spec["train_sha256"] == second.spec["train_sha256"]


def test_test_dataset(api: APIClient, project: Project, dataset: Dataset, actor: Actor) -> None:
    test = make_dataset(project=project, actor=actor)
    answer = api.post(address(project), body(dataset, test_dataset_id=test.public_id), format="json")

    job = TrainingJob.objects.get(public_id=answer.json()["id"])
    assert (job.train_rows, job.test_rows) == (20, 3)
    assert job.test_functions == ["exact_match_shared", "test_similarity_shared"]


def test_downsample(api: APIClient, project: Project, dataset: Dataset) -> None:
    asked = body(dataset, parameters={"downsample_size": 31.25}, train_test_split_ratio=20)
    job = TrainingJob.objects.get(public_id=api.post(address(project), asked, format="json").json()["id"])

    assert (job.train_rows, job.test_rows) == (5, 4)
    assert "downsample_size" not in job.spec["parameters"]


def test_test_functions_without_test_rows_are_warned_of(
    api: APIClient, project: Project, dataset: Dataset
) -> None:
    asked = body(dataset, test_functions=["test_similarity_shared"])
    answer = api.post(address(project), asked, format="json")

    assert answer.status_code == 201
    job = TrainingJob.objects.get(public_id=answer.json()["id"])
    assert job.events.get(kind="warning").data["code"] == "nothing_to_score"


def test_hugging_face_link_of_a_listed_model(api: APIClient, project: Project, dataset: Dataset) -> None:
    link = "https://huggingface.co/meta-llama/Llama-3.2-1B-Instruct"
    answer = api.post(
        address(project), body(dataset, base_model="HF_MODEL", hf_model_link=link), format="json"
    )

    assert answer.json()["base_model"] == "Llama-3.2-1B-Instruct"


class TestFineTuned:
    def test_goes_on_from_a_checkpoint(
        self, api: APIClient, project: Project, dataset: Dataset, actor: Actor
    ) -> None:
        parent = make_job(project=project, actor=actor, name="parent", parameters={"lora_r": 32})
        make_checkpoint(parent, 1)
        make_checkpoint(parent, 2)
        asked = body(dataset, base_model_option="fine-tuned", base_model="parent", checkpoint=1)

        shown = api.post(address(project), asked, format="json").json()

        assert shown["base_model"] == "tiny-llama-instruct"
        assert (shown["base_fine_tuned_model"], shown["base_fine_tuned_model_checkpoint"]) == ("parent", 1)
        job = TrainingJob.objects.get(public_id=shown["id"])
        assert job.parameters["lora_r"] == 32
        assert get_storage().exists(job.start_key)

    def test_newest_if_none_is_named(
        self, api: APIClient, project: Project, dataset: Dataset, actor: Actor
    ) -> None:
        parent = make_job(project=project, actor=actor)
        make_checkpoint(parent, 1)
        make_checkpoint(parent, 2)
        asked = body(dataset, base_model_option="fine-tuned", base_model=parent.public_id)

        shown = api.post(address(project), asked, format="json").json()

        assert shown["base_fine_tuned_model_checkpoint"] == 2

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"checkpoint": 9}, "It has: 1"),
            ({"base_model": "nobody"}, "no training job nobody"),
            ({"task_type": "classification"}, "was trained for text-generation"),
        ],
    )
    def test_what_does_not_fit(
        self,
        api: APIClient,
        project: Project,
        dataset: Dataset,
        actor: Actor,
        changes: dict[str, Any],
        said: str,
    ) -> None:
        make_checkpoint(make_job(project=project, actor=actor, name="parent"))
        asked = body(dataset, base_model_option="fine-tuned", base_model="parent") | changes

        answer = api.post(address(project), asked, format="json")

        assert answer.status_code == 400
        assert said in answer.json()["error"]

    def test_job_of_another_project(self, api: APIClient, project: Project, dataset: Dataset) -> None:
        parent = make_job(name="theirs")
        make_checkpoint(parent)
        asked = body(dataset, base_model_option="fine-tuned", base_model=parent.public_id)

        assert api.post(address(project), asked, format="json").status_code == 400


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"base_model": "tiny-lama-instruct"}, "unknown_base_model", "Did you mean tiny-llama-instruct?"),
        ({"base_model": "all-MiniLM-L6-v2"}, "unsupported_task", "embedding"),
        ({"task_type": "embedding"}, "unsupported_task", "embedding"),
        ({"parameters": {"downsample_size": 0}}, "invalid_parameter", "from 0.01 to 100"),
        ({"task_type": "poetry"}, "invalid_input", "task_type"),
        ({"train_dataset_id": "ds-nothing"}, "unknown_dataset", "train_dataset_id"),
        ({"test_dataset_id": "ds-nothing"}, "unknown_dataset", "test_dataset_id"),
        ({"train_test_split_ratio": 0}, "invalid_input", "above 0 and below 100"),
        ({"train_test_split_ratio": 100}, "invalid_input", "above 0 and below 100"),
        (
            {"test_functions": ["exact_mach_shared"]},
            "unknown_test_function",
            "Did you mean exact_match_shared?",
        ),
        ({"parameters": {"lr": 1}}, "unknown_parameter", "parameters.lr"),
        ({"parameters": {"learning_rate": 7}}, "invalid_parameter", "from 1e-08 to 0.1"),
        (
            {"parameters": {"full_fine_tuning": True, "use_dora": True}},
            "invalid_parameter",
            "cannot be combined",
        ),
        ({"parameters": [1]}, "invalid_input", "parameters"),
        ({"rebalance_data": {"a": 1}}, "invalid_input", "only for task_type classification"),
        ({"checkpoint": 1}, "invalid_input", "only with base_model_option fine-tuned"),
        ({"base_model": "HF_MODEL"}, "invalid_input", "needs the link"),
        ({"hf_model_link": "a/b"}, "invalid_input", "only with base_model HF_MODEL"),
        (
            {"base_model": "HF_MODEL", "hf_model_link": "http://localhost/a/b"},
            "invalid_input",
            "no Hugging Face",
        ),
        ({"base_model": None}, "invalid_input", "base_model"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(
    api: APIClient, project: Project, dataset: Dataset, changes: dict[str, Any], code: str, said: str
) -> None:
    answer = api.post(address(project), body(dataset) | changes, format="json")

    assert answer.status_code == 400
    assert (answer.json()["status"], answer.json()["code"]) == (400, code)
    assert said in answer.json()["error"]
    assert not TrainingJob.objects.exists()
    assert list(get_storage().list("training/")) == []


def test_both_ways_of_testing(api: APIClient, project: Project, dataset: Dataset) -> None:
    asked = body(dataset, test_dataset_id=dataset.public_id, train_test_split_ratio=20)
    answer = api.post(address(project), asked, format="json")

    assert answer.status_code == 400
    assert "not both" in answer.json()["error"]


def test_one_question_cannot_be_split(api: APIClient, project: Project, actor: Actor) -> None:
    rows = jsonl_bytes([{"prompt": "same", "completion": str(number)} for number in range(3)])
    dataset = make_dataset(project=project, actor=actor, content=rows, file_name="same.jsonl")
    answer = api.post(address(project), body(dataset, train_test_split_ratio=50), format="json")

    assert answer.status_code == 400
    assert "different prompts" in answer.json()["error"]
    assert list(get_storage().list("training/")) == []


def test_dataset_of_the_wrong_kind(api: APIClient, project: Project, actor: Actor) -> None:
    rows = jsonl_bytes([{"text1": "a cat", "text2": "a dog", "score": 0.5}] * 3)
    dataset = make_dataset(project=project, actor=actor, content=rows, file_name="pairs.jsonl")
    answer = api.post(address(project), body(dataset), format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_kind_of_dataset")
    assert "holds pairs" in answer.json()["error"]


def test_name_twice_in_a_project(api: APIClient, project: Project, dataset: Dataset) -> None:
    assert api.post(address(project), body(dataset, name="same"), format="json").status_code == 201

    answer = api.post(address(project), body(dataset, name="same"), format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "name_taken")


def test_dataset_of_another_organization(other_api: APIClient, api: APIClient, project: Project) -> None:
    theirs = make_dataset()

    assert api.post(address(project), body(theirs), format="json").json()["code"] == "unknown_dataset"


def test_other_tenant(other_api: APIClient, project: Project, dataset: Dataset) -> None:
    answer = other_api.post(address(project), body(dataset), format="json")

    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


def test_no_key(anonymous_api: APIClient, project: Project, dataset: Dataset) -> None:
    assert anonymous_api.post(address(project), body(dataset), format="json").status_code == 401


def test_key_that_may_only_read(project: Project, dataset: Dataset) -> None:
    _, plain = make_key(project.organization, scopes=["training:read"])

    answer = client_for(plain).post(address(project), body(dataset), format="json")

    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


@pytest.mark.parametrize("asked", [[], "text", None])
def test_body_that_is_no_object(api: APIClient, project: Project, asked: Any) -> None:
    assert api.post(address(project), asked, format="json").status_code == 400


def test_race_for_a_name_leaves_nothing_behind(
    api: APIClient, project: Project, dataset: Dataset, actor: Actor
) -> None:
    make_job(project=project, actor=actor, name="same")
    with patch("embassy.training.plan.TrainingJob.objects.filter") as looked:
        looked.return_value.exists.return_value = False
        answer = api.post(address(project), body(dataset, name="same"), format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "name_taken")
    assert TrainingJob.objects.count() == 1
    assert len({key.split("/")[1] for key in get_storage().list("training/")}) == 1


def test_list_takes_few_queries(
    api: APIClient, project: Project, actor: Actor, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        make_job(project=project, actor=actor)

    with django_assert_max_num_queries(8):
        assert len(api.get(address(project)).json()) == 3
    assert selectors.jobs_visible_to(actor).count() == 3
