"""GET …/training-jobs/{id}, …/{id}/checkpoints, …/{id}/events and …/{id}/results"""

from datetime import UTC, datetime

import pytest
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import JobEvent, LossPoint, TrainingJob
from tests.factories.training import make_checkpoint, make_job, make_result

NOW = datetime(2026, 11, 20, 12, 0, 0, 500000, tzinfo=UTC)


@pytest.fixture
def job(project: Project, actor: Actor) -> TrainingJob:
    return make_job(project=project, actor=actor, name="sums", train_test_split_ratio=20)


def address(job: TrainingJob, tail: str = "") -> str:
    return f"/v1/projects/{job.project.public_id}/training-jobs/{job.public_id}{tail}"


PAGES = ["", "/checkpoints", "/events", "/results"]


def test_detail(api: APIClient, job: TrainingJob) -> None:
    LossPoint.objects.create(job=job, step=2, at=NOW, loss=0.5)
    LossPoint.objects.create(job=job, step=1, at=NOW, loss=1.5)

    shown = api.get(address(job)).json()

    assert shown["train_dataset"].keys() == {"id", "name", "created_at", "is_uploaded"}
    assert "test_dataset" not in shown
    assert [point["loss"] for point in shown["training_loss"]] == [1.5, 0.5]
    assert shown["training_loss"][0]["timestamp"] == NOW.timestamp()
    assert shown["hyper_parameters"]["lora_r"] == 16
    assert shown["test_functions"] == ["exact_match_shared", "test_similarity_shared"]
    assert isinstance(shown["progress"], int)


def test_checkpoints_with_their_results(api: APIClient, job: TrainingJob) -> None:
    make_checkpoint(job, 2)
    make_checkpoint(job, 1)
    make_result(job, 0, exact_match_shared=0.0)
    make_result(job, 2, exact_match_shared=0.95)

    first, second = api.get(address(job, "/checkpoints")).json()

    assert (first["checkpoint"], second["checkpoint"]) == (1, 2)
    assert first["test_results"] == {}
    assert second["test_results"]["aggregated_test_result"] == {"exact_match_shared": "0.95"}
    assert second["test_results"]["general_test_result"].startswith("http")
    assert second["model_download_url"].startswith("http")
    assert isinstance(second["created_at"], int)


def test_results_with_the_metrics_of_the_task(api: APIClient, job: TrainingJob) -> None:
    result = make_result(job, 1, label_match_shared=1.0)
    result.metrics = {"rows": 1, "values": {"accuracy": 1.0}, "per_label": {"a": {"f1": 1.0}}}
    result.save()

    (shown,) = api.get(address(job, "/results")).json()

    assert (shown["checkpoint"], shown["scores"]) == (1, {"label_match_shared": "1.0"})
    assert shown["metrics"]["values"] == {"accuracy": 1.0}


def test_events_go_on_after_the_last_one_seen(api: APIClient, job: TrainingJob) -> None:
    JobEvent.objects.create(job=job, attempt=1, seq=1, kind="step", at=NOW, data={"loss": 0.5})

    events = api.get(address(job, "/events")).json()
    later = api.get(address(job, f"/events?after={events[0]['seq']}&limit=1")).json()

    assert [event["event"] for event in events] == ["status", "step"]
    assert events[0]["details"]["status"] == "Pending"
    assert later == [events[1]]
    assert later[0]["details"] == {"loss": 0.5}
    assert (later[0]["attempt"], later[0]["time"]) == (1, NOW.timestamp())


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=100000"])
def test_events_with_a_bad_query(api: APIClient, job: TrainingJob, query: str) -> None:
    assert api.get(address(job, f"/events?{query}")).status_code == 400


def test_results_with_the_base_model_first(api: APIClient, job: TrainingJob) -> None:
    make_result(job, 1, exact_match_shared=1.0)
    make_result(job, 0, exact_match_shared=0.0)

    base, first = api.get(address(job, "/results")).json()

    assert (base["checkpoint"], first["checkpoint"]) == (0, 1)
    assert (base["scores"], first["scores"]) == ({"exact_match_shared": "0.0"}, {"exact_match_shared": "1.0"})
    assert first["sample"][0]["predicted_output"] == "2"
    assert first["rows"] == 1


def test_results_without_sample(api: APIClient, job: TrainingJob) -> None:
    make_result(job, 0, exact_match_shared=0.0)

    assert api.get(address(job, "/results?rows=0")).json()[0]["sample"] == []


@pytest.mark.parametrize("page", PAGES)
def test_other_tenant(other_api: APIClient, job: TrainingJob, page: str) -> None:
    answer = other_api.get(address(job, page))

    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


@pytest.mark.parametrize("page", PAGES)
def test_missing(api: APIClient, project: Project, page: str) -> None:
    answer = api.get(f"/v1/projects/{project.public_id}/training-jobs/tr-nothing{page}")

    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


@pytest.mark.parametrize("page", PAGES)
def test_no_key(anonymous_api: APIClient, job: TrainingJob, page: str) -> None:
    assert anonymous_api.get(address(job, page)).status_code == 401


@pytest.mark.parametrize("page", PAGES)
def test_wrong_method(api: APIClient, job: TrainingJob, page: str) -> None:
    assert api.put(address(job, page), {}, format="json").status_code == 405


def test_job_of_another_project_of_the_same_tenant(api: APIClient, job: TrainingJob, actor: Actor) -> None:
    from tests.factories.projects import make_project

    other = make_project(actor)

    assert api.get(f"/v1/projects/{other.public_id}/training-jobs/{job.public_id}").status_code == 404
