"""What GET …/training-jobs/{id} shows of how a job runs, and the time limit of POST …/training-jobs"""

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training import lifecycle
from embassy.training.models import JobEvent, TrainingJob
from embassy.training.states import JobStatus
from embassy.training.supervisor import smaller_batch
from tests.factories.datasets import make_dataset
from tests.factories.training import make_job, make_rows, make_running_job

NOW = datetime(2026, 11, 20, 12, 0, 0, 500000, tzinfo=UTC)
STEP = {
    "step": 7,
    "max_steps": 20,
    "epoch": 0.7,
    "loss": 1.5,
    "learning_rate": 1e-4,
    "grad_norm": 0.3,
    "tokens_per_second": 810.0,
    "eta_seconds": 12.5,
    "rss_bytes": 900_000_000,
    "gpu_bytes": None,
    "progress": 0.35,
}


@pytest.fixture
def job(project: Project, actor: Actor) -> TrainingJob:
    return make_running_job(project=project, actor=actor)


def address(job: TrainingJob) -> str:
    return f"/v1/projects/{job.project.public_id}/training-jobs/{job.public_id}"


def tell(job: TrainingJob, kind: str, **data: Any) -> None:
    seq = job.events.filter(attempt=job.attempts).count() + 1
    JobEvent.objects.create(job=job, attempt=job.attempts, seq=seq, kind=kind, at=NOW, data=data)


def test_before_the_first_step(api: APIClient, job: TrainingJob) -> None:
    shown = api.get(address(job)).json()

    assert shown["live"] is None
    assert (shown["seconds_used"], shown["changed_parameters"]) == (0.0, {})


def test_the_newest_figures(api: APIClient, job: TrainingJob) -> None:
    tell(job, "step", **STEP)
    tell(job, "eval", step=5, loss=1.75)
    tell(job, "step", **{**STEP, "step": 8, "loss": 1.25})

    live = api.get(address(job)).json()["live"]

    expected = {name: value for name, value in STEP.items() if name != "progress"}
    assert live == {
        **expected,
        "step": 8,
        "loss": 1.25,
        "eval_loss": 1.75,
        "attempt": 1,
        "time": NOW.timestamp(),
    }


def test_figures_that_are_no_numbers(api: APIClient, job: TrainingJob) -> None:
    tell(job, "step", step=1, loss="nan", grad_norm="inf")

    live = api.get(address(job)).json()["live"]

    assert (live["step"], live["loss"], live["grad_norm"], live["eta_seconds"]) == (1, None, None, None)


def test_no_estimate_while_nothing_is_trained(api: APIClient, job: TrainingJob) -> None:
    tell(job, "step", **STEP)
    lifecycle.give_back(job, token=job.lease_token, reason="Shut down.")
    waiting = api.get(address(job)).json()["live"]
    lifecycle.claim(job.pk)
    again = api.get(address(job)).json()["live"]

    assert (waiting["step"], waiting["eta_seconds"]) == (7, None)
    assert again["eta_seconds"] is None  # the figure is the earlier attempt's


def test_parameters_that_were_changed(api: APIClient, job: TrainingJob) -> None:
    smaller_batch.retry_or_fail(job, token=job.lease_token)

    shown = api.get(address(job)).json()

    assert shown["status"] == "Pending"
    assert shown["reason_code"] == "out_of_memory"
    assert "ran out of memory" in shown["reason"]
    asked = shown["hyper_parameters"]["per_device_train_batch_size"]
    assert shown["changed_parameters"]["per_device_train_batch_size"] == {"from": asked, "to": asked // 2}
    times = shown["hyper_parameters"]["gradient_accumulation_steps"]
    assert shown["changed_parameters"]["gradient_accumulation_steps"] == {"from": times, "to": 2 * times}
    events = api.get(f"{address(job)}/events").json()
    (warning,) = [event["details"] for event in events if event["event"] == "warning"]
    assert warning["code"] == "batch_reduced"


def test_memory_runs_out_twice(api: APIClient, job: TrainingJob) -> None:
    smaller_batch.retry_or_fail(job, token=job.lease_token)
    again = lifecycle.claim(job.pk)
    assert again is not None

    smaller_batch.retry_or_fail(again, token=again.lease_token)

    again.refresh_from_db()
    assert (again.status, again.code) == (JobStatus.FAILED, "out_of_memory")
    assert "again" in again.reason
    assert "gradient_checkpointing" in again.reason


def test_memory_runs_out_with_a_single_row(project: Project, actor: Actor) -> None:
    job = make_running_job(project=project, actor=actor, parameters={"per_device_train_batch_size": 1})

    smaller_batch.retry_or_fail(job, token=job.lease_token)

    job.refresh_from_db()
    assert (job.status, job.code) == (JobStatus.FAILED, "out_of_memory")
    assert "a single row at a time" in job.reason
    assert "max_length" in job.reason


def create(api: APIClient, project: Project, actor: Actor, **fields: Any) -> Any:
    dataset = make_dataset(project=project, actor=actor, content=make_rows(), file_name="sums.jsonl")
    body = {
        "base_model_option": "pre-trained",
        "base_model": "tiny-llama-instruct",
        "train_dataset_id": dataset.public_id,
        **fields,
    }
    return api.post(f"/v1/projects/{project.public_id}/training-jobs", body, format="json")


def test_a_time_limit_of_its_own(api: APIClient, project: Project, actor: Actor) -> None:
    answer = create(api, project, actor, time_limit_seconds=90)

    job = TrainingJob.objects.get(public_id=answer.json()["id"])
    assert job.spec["time_limit_seconds"] == 90
    assert api.get(address(job)).json()["time_limit_seconds"] == 90


def test_the_platforms_time_limit(api: APIClient, project: Project, actor: Actor, settings: Settings) -> None:
    settings.TRAINING_TIME_LIMIT = 100
    job = make_job(project=project, actor=actor)

    assert api.get(address(job)).json()["time_limit_seconds"] == 100
    assert create(api, project, actor, time_limit_seconds=100, name="a").status_code == 201
    refused = create(api, project, actor, time_limit_seconds=101, name="b")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_input")
    assert "from 1 to 100" in refused.json()["error"]


@pytest.mark.parametrize("limit", [0, -1, "soon", 1.5])
def test_a_bad_time_limit(api: APIClient, project: Project, actor: Actor, limit: Any) -> None:
    assert create(api, project, actor, time_limit_seconds=limit).status_code == 400
