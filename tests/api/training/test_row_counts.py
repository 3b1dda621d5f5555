"""What GET …/training-jobs/{id} tells of how the rows were drawn, and that the trainer gets just these."""

from collections import Counter
from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.platform.storage import get_storage
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from embassy.training.rows import read_rows
from tests.factories.datasets import jsonl_bytes, make_dataset


@pytest.fixture
def dataset_id(project: Project, actor: Actor) -> str:
    """Forty rows; every fourth is a yes."""
    rows: list[dict[str, object]] = [
        {"prompt": f"Ticket {n}", "completion": "no" if n % 4 else "yes"} for n in range(40)
    ]
    content = jsonl_bytes(rows)
    return make_dataset(project=project, actor=actor, content=content, file_name="a.jsonl").public_id


def created(api: APIClient, project: Project, dataset_id: str, **changes: Any) -> tuple[Any, TrainingJob]:
    """The detail and the row."""
    address = f"/v1/projects/{project.public_id}/training-jobs"
    body = {
        "base_model": "tiny-llama-instruct",
        "task_type": "classification",
        "train_dataset_id": dataset_id,
        **changes,
    }
    answer = api.post(address, body, format="json")
    assert answer.status_code == 201, answer.json()
    shown = api.get(f"{address}/{answer.json()['id']}").json()
    return shown, TrainingJob.objects.get(public_id=shown["id"])


def trained_on(job: TrainingJob) -> Counter[str]:
    """The labels in the very file that the trainer reads."""
    with get_storage().open(job.train_key) as lines:
        return Counter(row["messages"][-1]["content"] for row in read_rows(lines))


def test_untouched(api: APIClient, project: Project, dataset_id: str) -> None:
    shown, job = created(api, project, dataset_id)

    assert shown["row_counts"] == {
        "dataset": 40,
        "held_out": 0,
        "sampled": 40,
        "trained": 40,
        "labels": None,
    }
    assert trained_on(job) == {"no": 30, "yes": 10}


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        ({"positive": 0.5, "negative": 0.5}, {"yes": 20, "no": 20}),
        ({"positive": 25, "negative": 5}, {"yes": 25, "no": 5}),
        ({"yes": 0.1, "no": 0.9}, {"yes": 4, "no": 36}),
        ({"negative": 10}, {"yes": 10, "no": 10}),
    ],
)
def test_balanced(
    api: APIClient, project: Project, dataset_id: str, wanted: dict[str, float], after: dict[str, int]
) -> None:
    shown, job = created(api, project, dataset_id, rebalance_data=wanted)
    again, same = created(api, project, dataset_id, rebalance_data=wanted)

    assert shown["row_counts"]["labels"] == {"before": {"no": 30, "yes": 10}, "after": after}
    assert shown["row_counts"]["trained"] == shown["train_rows"] == sum(after.values())
    assert trained_on(job) == after
    assert job.spec["train_sha256"] == same.spec["train_sha256"]
    assert again["row_counts"] == shown["row_counts"]


def test_all_of_it_one_after_the_other(api: APIClient, project: Project, dataset_id: str) -> None:
    shown, job = created(
        api,
        project,
        dataset_id,
        train_test_split_ratio=20,
        parameters={"downsample_size": 50},
        rebalance_data={"yes": 3, "no": 7},
    )

    counts = shown["row_counts"]
    assert (counts["dataset"], counts["held_out"], counts["sampled"], counts["trained"]) == (40, 8, 16, 10)
    assert sum(counts["labels"]["before"].values()) == 16
    assert trained_on(job) == {"yes": 3, "no": 7}


def test_seed_decides_which_rows_are_left(api: APIClient, project: Project, dataset_id: str) -> None:
    digests = [
        created(api, project, dataset_id, parameters={"downsample_size": 25, "seed": seed})[1].spec[
            "train_sha256"
        ]
        for seed in (1, 1, 2)
    ]

    assert digests[0] == digests[1] != digests[2]
