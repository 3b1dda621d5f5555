"""POST /v1/projects/{project_id}/training-jobs/preflight"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from embassy.datasets.models import Dataset
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import JobEvent, TrainingJob
from tests.conftest import client_for
from tests.factories.datasets import jsonl_bytes, make_dataset
from tests.factories.projects import make_key
from tests.factories.training import make_job, make_rows

GIB = 2**30


@pytest.fixture
def dataset(project: Project, actor: Actor) -> Dataset:
    return upload(project, actor, make_rows())


def upload(project: Project, actor: Actor, content: bytes | list[dict[str, Any]]) -> Dataset:
    rows = content if isinstance(content, bytes) else jsonl_bytes(content)
    return make_dataset(project=project, actor=actor, content=rows, file_name="rows.jsonl")


def asked(count: int, *, words: int = 1, answer: str = "yes") -> list[dict[str, Any]]:
    return [{"prompt": f"Question {n} " + "word " * words, "completion": answer} for n in range(count)]


def post(api: APIClient, project: Project, dataset: Dataset, **changes: Any) -> Any:
    body = {"base_model": "tiny-llama-instruct", "train_dataset_id": dataset.public_id} | changes
    return api.post(f"/v1/projects/{project.public_id}/training-jobs/preflight", body, format="json")


def shown(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.json()
    return dict(answer.json())


def codes(answer: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in answer["warnings"]}


def told_by_a_trainer(job: TrainingJob, *, device: str = "cpu", available: int = 64 * GIB) -> None:
    """As the account of an attempt at that job begins."""
    facts = {
        "device": device,
        "precision": "bf16",
        "cores": 4,
        "memory_total": 2 * available,
        "memory_available": available,
    }
    JobEvent.objects.create(job=job, attempt=1, seq=1, kind="started", at=timezone.now(), data=facts)


def test_it_works(api: APIClient, project: Project, dataset: Dataset) -> None:
    parameters = {"num_train_epochs": 2, "per_device_train_batch_size": 8}
    found = shown(post(api, project, dataset, train_test_split_ratio=20, parameters=parameters))

    assert (found["technique"], found["task_type"]) == ("SFT", "text-generation")
    assert (found["train_rows"], found["test_rows"]) == (16, 4)
    rows = found["train"]
    assert (rows["total"], rows["read"], rows["trainable"], rows["problems"]) == (16, 16, 16, [])
    tokens = rows["tokens"]
    assert tokens["min"] <= tokens["p50"] <= tokens["p90"] <= tokens["p99"] <= tokens["max"]
    assert tokens["total"] == pytest.approx(16 * tokens["mean"], abs=1)
    assert (found["steps_per_epoch"], found["total_steps"]) == (2, 4)
    assert found["hyper_parameters"]["num_train_epochs"] == 2
    memory = found["memory"]
    assert sum(memory["parts"].values()) == memory["peak_bytes"] < 2 * GIB
    assert (memory["host"], memory["device"]) == ("this_host", "cpu")
    assert found["duration"]["basis"] == "rule_of_thumb"
    assert found["duration"]["seconds"] > 0
    assert found["cost"] is None


def test_nothing_is_created(api: APIClient, project: Project, dataset: Dataset) -> None:
    shown(post(api, project, dataset, name="one"))
    shown(post(api, project, dataset, name="one"))

    assert not TrainingJob.objects.exists()


def test_rows_that_are_cut_and_rows_that_teach_nothing(
    api: APIClient, project: Project, actor: Actor
) -> None:
    long = [{"prompt": "Read: " + "word " * 200, "completion": "done"}]
    half = [{"prompt": "Say much.", "completion": "word " * 200}]
    dataset = upload(project, actor, [*asked(6), *long, *half])

    found = shown(post(api, project, dataset, parameters={"max_length": 64}))

    rows = found["train"]
    assert (rows["total"], rows["trainable"], rows["truncated"], rows["untrainable"]) == (8, 7, 2, 1)
    (problem,) = rows["problems"]
    assert (problem["line"], problem["code"]) == (7, "cut_off")
    assert "max_length" in problem["message"]
    assert {"untrainable_rows", "many_rows_truncated"} <= codes(found)


def test_what_the_host_will_refuse_is_blocking(api: APIClient, project: Project, actor: Actor) -> None:
    dataset = upload(project, actor, asked(6, words=100))

    found = shown(post(api, project, dataset, parameters={"max_length": 16}))

    assert found["warnings"][0]["code"] == "no_trainable_rows"
    assert found["warnings"][0]["blocking"] is True


def test_preferences(api: APIClient, project: Project, actor: Actor) -> None:
    rows = [{"prompt": f"Q {n}", "chosen": f"good {n}", "rejected": "bad"} for n in range(12)]
    found = shown(post(api, project, upload(project, actor, rows)))

    assert found["technique"] == "DPO"
    assert found["train"]["trainable"] == 12


def test_rewards(api: APIClient, project: Project, actor: Actor) -> None:
    dataset = upload(project, actor, asked(40))
    rewards = {"exact_match_shared": 1.0}
    wanted = {"technique": "GRPO", "test_functions": list(rewards), "reward": rewards}
    parameters = {"per_device_train_batch_size": 16, "num_generations": 4, "num_train_epochs": 3}

    found = shown(post(api, project, dataset, **wanted, parameters=parameters))

    assert (found["technique"], found["steps_per_epoch"], found["total_steps"]) == ("GRPO", 10, 30)
    few = shown(post(api, project, upload(project, actor, asked(3)), **wanted, parameters=parameters))
    assert few["warnings"][0] == {
        "code": "invalid_data",
        "blocking": True,
        "message": few["warnings"][0]["message"],
    }


def test_uneven_labels_and_their_remedies(api: APIClient, project: Project, actor: Actor) -> None:
    rows = [{"prompt": f"Ticket {n}", "completion": "rare" if n == 0 else "usual"} for n in range(40)]
    dataset = upload(project, actor, rows)
    task = {"task_type": "classification"}

    assert "uneven_labels" in codes(shown(post(api, project, dataset, **task)))
    weighted = post(api, project, dataset, **task, parameters={"class_weighting": True})
    assert "uneven_labels" not in codes(shown(weighted))
    balanced = shown(post(api, project, dataset, **task, rebalance_data={"rare": 20, "usual": 20}))
    assert "uneven_labels" not in codes(balanced)
    assert balanced["train"]["total"] == 40


def test_test_rows_that_are_known_from_training(api: APIClient, project: Project, actor: Actor) -> None:
    train, test = upload(project, actor, asked(30)), upload(project, actor, asked(3))

    found = shown(post(api, project, train, test_dataset_id=test.public_id))

    assert {"test_rows_in_training", "few_test_rows"} <= codes(found)
    assert "3 of 3 test rows" in next(
        warning["message"] for warning in found["warnings"] if warning["code"] == "test_rows_in_training"
    )


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"learning_rate": 0.1}, "learning_rate_unusual"),
        ({"learning_rate": 1e-6}, "learning_rate_unusual"),
        ({"load_in_4bit": True}, "four_bits_on_cpu"),
        ({"gradient_accumulation_steps": 32}, "few_steps"),
    ],
)
def test_parameters_to_think_about(
    api: APIClient, project: Project, dataset: Dataset, parameters: dict[str, Any], code: str
) -> None:
    assert code in codes(shown(post(api, project, dataset, parameters=parameters)))


def test_an_ordinary_job_is_not_warned_of(api: APIClient, project: Project, actor: Actor) -> None:
    train, test = upload(project, actor, asked(200)), upload(project, actor, [*_others(40)])

    assert shown(post(api, project, train, test_dataset_id=test.public_id))["warnings"] == []


def _others(count: int) -> list[dict[str, Any]]:
    return [{"prompt": f"Another {n}", "completion": "yes"} for n in range(count)]


def test_big_data_is_sampled_and_says_so(
    api: APIClient, project: Project, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embassy.training.preflight.survey.MOST_READ", 50)
    dataset = upload(project, actor, asked(200))

    found = shown(post(api, project, dataset, parameters={"per_device_train_batch_size": 16}))

    rows = found["train"]
    assert (rows["total"], rows["read"], rows["trainable"]) == (200, 50, 200)
    assert rows["tokens"]["total"] == pytest.approx(200 * rows["tokens"]["mean"], rel=0.01)
    assert found["steps_per_epoch"] == 13
    assert "rows_sampled" in codes(found)


def test_memory_is_compared_with_the_host_that_trained_last(
    api: APIClient, project: Project, actor: Actor, dataset: Dataset
) -> None:
    job = make_job(project=project, actor=actor)
    told_by_a_trainer(job, device="NVIDIA H100 80GB HBM3", available=80 * GIB)

    memory = shown(post(api, project, dataset))["memory"]

    assert (memory["host"], memory["device"]) == ("last_training_host", "NVIDIA H100 80GB HBM3")
    assert (memory["available_bytes"], memory["fits"]) == (80 * GIB, True)


def test_a_trainer_that_told_nothing_of_its_memory_is_passed_over(
    api: APIClient, project: Project, actor: Actor, dataset: Dataset
) -> None:
    job = make_job(project=project, actor=actor)
    JobEvent.objects.create(job=job, attempt=1, seq=1, kind="started", at=timezone.now(), data={"pid": 1})

    assert shown(post(api, project, dataset))["memory"]["host"] == "this_host"


def test_long_rows_are_sampled_sooner(
    api: APIClient, project: Project, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embassy.training.preflight.survey.MOST_BYTES", 10_000)
    rows = shown(post(api, project, upload(project, actor, asked(50, words=200))))["train"]

    assert (rows["total"], rows["trainable"]) == (50, 50)
    assert rows["read"] < 12


def test_what_cannot_fit_is_said_with_remedies(
    api: APIClient, project: Project, actor: Actor, dataset: Dataset
) -> None:
    told_by_a_trainer(make_job(project=project, actor=actor), available=10 * 2**20)

    found = shown(post(api, project, dataset))

    assert found["fits"] is False
    assert found["warnings"][0]["code"] == "does_not_fit"
    assert "per_device_train_batch_size" in found["warnings"][0]["message"]


def test_time_from_earlier_jobs_and_its_cost(
    api: APIClient, project: Project, actor: Actor, dataset: Dataset, settings: Settings
) -> None:
    settings.PRICE_PER_HOUR, settings.CURRENCY = 3.6, "EUR"
    mean = shown(post(api, project, dataset))["train"]["tokens"]["mean"]
    earlier = make_job(project=project, actor=actor, train_dataset_id=dataset.public_id)
    told_by_a_trainer(earlier)
    now = timezone.now()
    lines: list[tuple[str, dict[str, Any]]] = [("preflight", {"tokens": {"mean": mean}})]
    lines += [("step", {"step": step}) for step in (1, 11)]
    for seq, (kind, data) in enumerate(lines, start=2):
        at = now + timedelta(seconds=20 * (data.get("step") == 11))
        JobEvent.objects.create(job=earlier, attempt=1, seq=seq, kind=kind, at=at, data=data)
    TrainingJob.objects.filter(pk=earlier.pk).update(trained_at=now)

    found = shown(post(api, project, dataset, parameters={"num_train_epochs": 4}))

    assert (found["duration"]["basis"], found["duration"]["jobs"]) == ("earlier_jobs", 1)
    assert found["duration"]["seconds_per_step"] == pytest.approx(2, rel=0.01)
    assert found["duration"]["seconds"] == pytest.approx(2 * found["total_steps"], rel=0.01)
    assert found["cost"]["amount"] == pytest.approx(found["duration"]["seconds"] * 0.001, abs=1e-4)
    assert (found["cost"]["currency"], found["cost"]["price_per_hour"]) == ("EUR", 3.6)


def test_a_model_that_is_not_here_is_told(api: APIClient, project: Project, dataset: Dataset) -> None:
    found = shown(post(api, project, dataset, base_model="Llama-3.2-1B-Instruct"))

    assert (found["train"], found["memory"], found["duration"], found["fits"]) == (None,) * 4
    assert "base_model_not_here" in codes(found)
    assert found["total_steps"] > 0


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"parameters": {"learning_rat": 1}}, "unknown_parameter", "learning_rate"),
        ({"parameters": {"num_train_epochs": 0}}, "invalid_parameter", "from 1 to 100"),
        ({"train_dataset_id": "ds-none"}, "unknown_dataset", "ds-none"),
        ({"base_model": "tiny-lama"}, "unknown_base_model", "tiny-llama-instruct"),
        ({"technique": "PPO"}, None, "technique"),
        ({"technique": "GRPO"}, None, "test_functions"),
        ({"reward": {"a": 1}}, None, "only with technique GRPO"),
        ({"train_test_split_ratio": 120}, None, "train_test_split_ratio"),
        ({"task_type": "regression"}, "invalid_rows", "not a number"),
    ],
)
def test_bad_bodies_are_refused_as_by_the_creation(
    api: APIClient, project: Project, actor: Actor, changes: dict[str, Any], code: str | None, said: str
) -> None:
    answer = post(api, project, upload(project, actor, asked(4)), **changes)

    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert code is None or answer.json()["code"] == code


def test_missing_project(api: APIClient, dataset: Dataset, project: Project) -> None:
    project.public_id = "ms-none"

    assert post(api, project, dataset).status_code == 404


def test_other_organization(other_api: APIClient, project: Project, dataset: Dataset) -> None:
    assert post(other_api, project, dataset).status_code == 404


def test_wrong_method(api: APIClient, project: Project) -> None:
    assert api.get(f"/v1/projects/{project.public_id}/training-jobs/preflight").status_code == 405


def test_no_key(anonymous_api: APIClient, project: Project, dataset: Dataset) -> None:
    assert post(anonymous_api, project, dataset).status_code == 401


def test_key_without_the_scope(project: Project, dataset: Dataset) -> None:
    api = client_for(make_key(project.organization, scopes=["models:read"])[1])

    assert post(api, project, dataset).status_code == 403
