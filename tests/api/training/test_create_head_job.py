"""POST /v1/projects/{project_id}/training-jobs for classification, regression and embedding."""

import json
from collections import Counter
from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.datasets.models import Dataset
from embassy.platform.actor import Actor
from embassy.platform.storage import get_storage
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from embassy.training.supervisor.folder import RunFolder
from tests.factories.datasets import jsonl_bytes, make_dataset
from tests.factories.training import make_checkpoint, make_job

TICKETS = [(f"Ticket {n}", "billing" if n % 5 else "refund") for n in range(20)]


def upload(project: Project, actor: Actor, rows: list[tuple[str, Any]]) -> Dataset:
    content = jsonl_bytes([{"prompt": prompt, "completion": answer} for prompt, answer in rows])
    return make_dataset(project=project, actor=actor, content=content, file_name="rows.jsonl")


def post(api: APIClient, project: Project, dataset: Dataset, task: str, **changes: Any) -> Any:
    asked = {
        "base_model": "tiny-llama-instruct",
        "train_dataset_id": dataset.public_id,
        "task_type": task,
    } | changes
    return api.post(f"/v1/projects/{project.public_id}/training-jobs", asked, format="json")


def created(answer: Any) -> TrainingJob:
    assert answer.status_code == 201, answer.json()
    return TrainingJob.objects.get(public_id=answer.json()["id"])


def trained_on(job: TrainingJob) -> list[str]:
    rows = [json.loads(line) for line in get_storage().read(job.train_key).splitlines()]
    return [row["messages"][-1]["content"] for row in rows]


@pytest.fixture
def tickets(project: Project, actor: Actor) -> Dataset:
    return upload(project, actor, list(TICKETS))


class TestClassification:
    def test_labels_are_found_and_kept(self, api: APIClient, project: Project, tickets: Dataset) -> None:
        answer = post(api, project, tickets, "classification", train_test_split_ratio=25)

        job = created(answer)
        assert (answer.json()["task_type"], answer.json()["training_technique"]) == ("classification", "SFT")
        assert job.spec["labels"] == ["billing", "refund"]
        assert (job.spec["baseline"], job.parameters["multi_label"]) == ("billing", False)
        assert job.test_functions == ["label_match_shared"]
        assert (job.train_rows, job.test_rows) == (15, 5)
        folder = RunFolder.of(job)
        folder.path.mkdir(parents=True)
        assert folder._spec(job, 1, 60.0).data.labels == ("billing", "refund")

    def test_several_labels(self, api: APIClient, project: Project, actor: Actor) -> None:
        rows = [(f"Ticket {n}", {"urgent": n % 2, "billing": int(n % 3 == 0)}) for n in range(9)]
        job = created(post(api, project, upload(project, actor, list(rows)), "classification"))

        assert job.spec["labels"] == ["billing", "urgent"]
        assert job.parameters["multi_label"] is True
        assert job.spec["parameters"]["multi_label"] is True

    def test_dynamic_loss_weighs_the_rarer_labels(
        self, api: APIClient, project: Project, tickets: Dataset
    ) -> None:
        job = created(post(api, project, tickets, "classification", parameters={"dynamic_loss": True}))

        assert job.parameters["class_weighting"] is True

    @pytest.mark.parametrize(
        ("wanted", "counts"),
        [
            ({"billing": 0.5, "refund": 0.5}, {"billing": 10, "refund": 10}),
            ({"billing": 3, "refund": 30}, {"billing": 3, "refund": 30}),
            ({"refund": 10}, {"billing": 16, "refund": 10}),
        ],
    )
    def test_rebalance(
        self,
        api: APIClient,
        project: Project,
        tickets: Dataset,
        wanted: dict[str, float],
        counts: dict[str, int],
    ) -> None:
        job = created(post(api, project, tickets, "classification", rebalance_data=wanted))
        again = created(post(api, project, tickets, "classification", rebalance_data=wanted))

        assert Counter(trained_on(job)) == counts
        assert job.train_rows == sum(counts.values())
        assert job.spec["train_sha256"] == again.spec["train_sha256"]

    def test_another_seed_draws_other_rows(self, api: APIClient, project: Project, tickets: Dataset) -> None:
        digests = {
            created(
                post(
                    api,
                    project,
                    tickets,
                    "classification",
                    rebalance_data={"billing": 4},
                    parameters={"seed": seed},
                )
            ).spec["train_sha256"]
            for seed in (1, 2)
        }

        assert len(digests) == 2

    def test_rebalance_leaves_the_held_out_rows(
        self, api: APIClient, project: Project, tickets: Dataset
    ) -> None:
        shares = {"billing": 0.5, "refund": 0.5}
        plain = created(post(api, project, tickets, "classification", train_test_split_ratio=25))
        job = created(
            post(api, project, tickets, "classification", train_test_split_ratio=25, rebalance_data=shares)
        )

        assert job.spec["test_sha256"] == plain.spec["test_sha256"]
        assert job.train_rows == 15

    def test_rebalance_binary(self, api: APIClient, project: Project, actor: Actor) -> None:
        dataset = upload(project, actor, [(f"Ticket {n}", int(n < 3)) for n in range(10)])
        shares = {"positive": 0.5, "negative": 0.5}
        job = created(post(api, project, dataset, "classification", rebalance_data=shares))

        assert Counter(trained_on(job)) == {"1": 5, "0": 5}

    def test_downsample_is_in_percent(self, api: APIClient, project: Project, tickets: Dataset) -> None:
        job = created(post(api, project, tickets, "classification", parameters={"downsample_size": 50}))

        assert job.train_rows == 10
        assert job.spec["labels"] == ["billing", "refund"]

    @pytest.mark.parametrize(
        ("changes", "code", "said"),
        [
            (
                {"rebalance_data": {"billing": 0.5, "sales": 0.5}},
                "invalid_rebalance_data",
                "no label 'sales'",
            ),
            ({"rebalance_data": {"billing": 0.4, "refund": 0.5}}, "invalid_rebalance_data", "sum to 1"),
            ({"rebalance_data": {}}, "invalid_rebalance_data", "name the labels"),
            ({"rebalance_data": {"billing": -1}}, "invalid_input", "rebalance_data"),
            ({"rebalance_data": [1]}, "invalid_input", "rebalance_data"),
            ({"parameters": {"multi_label": True}}, "invalid_rows", "line 1: 'refund' is not an object"),
            ({"technique": "DPO"}, "unsupported_task", "cannot be trained with DPO"),
            ({"parameters": {"downsample_size": 101}}, "invalid_parameter", "downsample_size"),
        ],
    )
    def test_what_is_wrong_is_said(
        self,
        api: APIClient,
        project: Project,
        tickets: Dataset,
        changes: dict[str, Any],
        code: str,
        said: str,
    ) -> None:
        answer = post(api, project, tickets, "classification", **changes)

        assert (answer.status_code, answer.json()["code"]) == (400, code), answer.json()
        assert said in answer.json()["error"]
        assert not TrainingJob.objects.exists()
        assert list(get_storage().list("training/")) == []

    def test_several_labels_are_not_rebalanced(self, api: APIClient, project: Project, actor: Actor) -> None:
        dataset = upload(project, actor, [(f"Ticket {n}", {"urgent": n % 2}) for n in range(4)])
        answer = post(api, project, dataset, "classification", rebalance_data={"urgent": 1})

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_rebalance_data")

    def test_label_that_training_never_sees(
        self, api: APIClient, project: Project, tickets: Dataset, actor: Actor
    ) -> None:
        test = upload(project, actor, [("Ticket", "billing"), ("Ticket 2", "sales")])
        answer = post(api, project, tickets, "classification", test_dataset_id=test.public_id)

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_rows")
        assert "test_dataset_id: line 2: the training rows have no label 'sales'" in answer.json()["error"]

    def test_more_labels_than_an_adapter_has_room_for(
        self, api: APIClient, project: Project, actor: Actor
    ) -> None:
        dataset = upload(project, actor, [(f"Ticket {n}", f"label {n}") for n in range(65)])
        answer = post(api, project, dataset, "classification")

        assert (answer.status_code, answer.json()["code"]) == (400, "too_many_labels")
        whole = post(api, project, dataset, "classification", parameters={"full_fine_tuning": True})
        assert whole.status_code == 201

    def test_preferences_are_not_for_labels(self, api: APIClient, project: Project, actor: Actor) -> None:
        rows = jsonl_bytes([{"prompt": "Say yes.", "chosen": "yes", "rejected": "no"}])
        dataset = make_dataset(project=project, actor=actor, content=rows, file_name="choices.jsonl")
        answer = post(api, project, dataset, "classification")

        assert (answer.status_code, answer.json()["code"]) == (400, "wrong_kind_of_dataset")

    def test_a_head_keeps_its_labels(
        self, api: APIClient, project: Project, tickets: Dataset, actor: Actor
    ) -> None:
        parent = make_job(
            project=project, actor=actor, train_dataset_id=tickets.public_id, task_type="classification"
        )
        make_checkpoint(parent)
        changes = {"base_model_option": "fine-tuned", "base_model": parent.name, "checkpoint": 1}
        others = upload(project, actor, [("Ticket", "billing"), ("Ticket 2", "sales")])

        assert created(post(api, project, tickets, "classification", **changes)).spec["labels"] == [
            "billing",
            "refund",
        ]
        refused = post(api, project, others, "classification", **changes)
        assert (refused.status_code, refused.json()["code"]) == (400, "unknown_label")


class TestRegression:
    def test_it_works(self, api: APIClient, project: Project, actor: Actor) -> None:
        dataset = upload(project, actor, [(f"House {n}", n * 10.5) for n in range(10)])
        job = created(post(api, project, dataset, "regression", parameters={"dynamic_loss": False}))

        assert (job.spec["labels"], job.spec["baseline"]) == ([], "47.25")

    def test_the_smallest_error_is_best(self, api: APIClient, project: Project, actor: Actor) -> None:
        dataset = upload(project, actor, [(f"House {n}", n * 10.5) for n in range(10)])
        job = created(post(api, project, dataset, "regression", train_test_split_ratio=20))

        assert job.test_functions == ["absolute_error_shared", "within_ten_percent_shared"]
        assert job.spec["selection"]["test_function"] == "absolute_error_shared"
        assert job.spec["selection"]["higher_is_better"] is False

    @pytest.mark.parametrize(
        ("changes", "code", "said"),
        [
            ({}, "invalid_rows", "train_dataset_id: line 1: 'refund' is not a number"),
            ({"rebalance_data": {"a": 1}}, "invalid_input", "only for task_type classification"),
            ({"parameters": {"dynamic_loss": True}}, "unknown_parameter", "dynamic_loss"),
        ],
    )
    def test_what_is_wrong_is_said(
        self,
        api: APIClient,
        project: Project,
        tickets: Dataset,
        changes: dict[str, Any],
        code: str,
        said: str,
    ) -> None:
        answer = post(api, project, tickets, "regression", **changes)

        assert (answer.status_code, answer.json()["code"]) == (400, code), answer.json()
        assert said in answer.json()["error"]


class TestEmbedding:
    @pytest.fixture
    def pairs(self, project: Project, actor: Actor) -> Dataset:
        rows = [{"text1": f"a cat {n}", "text2": f"a dog {n}", "score": n / 10} for n in range(10)]
        return make_dataset(
            project=project,
            actor=actor,
            content=jsonl_bytes([dict(row) for row in rows]),
            file_name="pairs.jsonl",
        )

    def test_it_works(self, api: APIClient, project: Project, pairs: Dataset) -> None:
        changes = {"base_model": "all-MiniLM-L6-v2", "train_test_split_ratio": 20}
        job = created(post(api, project, pairs, "embedding", **changes))

        assert (job.train_rows, job.test_rows, job.task_type) == (8, 2, "embedding")
        assert job.spec["parameters"]["loss"] == "cosine"

    def test_a_language_model_does_not_embed(self, api: APIClient, project: Project, pairs: Dataset) -> None:
        answer = post(api, project, pairs, "embedding")

        assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_task")
