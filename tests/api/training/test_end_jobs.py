"""POST …/training-jobs/{id}/cancel and DELETE …/training-jobs/{id}"""

from unittest.mock import patch

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.platform.models import Event
from embassy.projects.models import AuditEvent, Project
from embassy.training import lifecycle
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus
from tests.factories.training import make_checkpoint, make_job, make_result, make_running_job


@pytest.fixture
def job(project: Project, actor: Actor) -> TrainingJob:
    return make_job(project=project, actor=actor)


def address(job: TrainingJob) -> str:
    return f"/v1/projects/{job.project.public_id}/training-jobs/{job.public_id}"


def cancel(api: APIClient, job: TrainingJob) -> tuple[int, str]:
    answer = api.post(f"{address(job)}/cancel")
    return answer.status_code, answer.json()["code"] if answer.content else ""


def test_cancel_a_waiting_job(api: APIClient, job: TrainingJob) -> None:
    assert cancel(api, job) == (204, "")

    job.refresh_from_db()
    assert (job.status, job.reason) == (JobStatus.CANCELLED, "Cancelled by a user.")
    assert job.finished_at is not None
    assert AuditEvent.objects.get(verb="training_job.cancelled").subject == job.public_id
    assert Event.objects.filter(subject=job.public_id, target="Cancelled").count() == 1


def test_cancel_fences_whoever_runs_it(api: APIClient, project: Project, actor: Actor) -> None:
    job = make_running_job(project=project, actor=actor)
    token = job.lease_token

    assert cancel(api, job) == (204, "")

    job.refresh_from_db()
    assert job.lease_token != token
    assert not lifecycle.begin_testing(job, token=token)
    assert lifecycle.locked(job.pk, token=token) is None


@pytest.mark.parametrize(
    "status", [JobStatus.SUCCESS, JobStatus.FAILED, JobStatus.TIMED_OUT, JobStatus.CANCELLED]
)
def test_cancel_a_finished_job(api: APIClient, project: Project, actor: Actor, status: JobStatus) -> None:
    job = make_running_job(project=project, actor=actor)
    if status == JobStatus.SUCCESS:
        lifecycle.begin_testing(job, token=job.lease_token)
    assert lifecycle.finish(job, status, token=job.lease_token, reason="It is over.")
    events = Event.objects.count()

    assert cancel(api, job) == (400, "already_finished")

    job.refresh_from_db()
    assert (job.status, job.reason) == (status, "It is over.")
    assert Event.objects.count() == events


def test_delete(
    api: APIClient, job: TrainingJob, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    make_checkpoint(job)
    make_result(job, 0, exact_match_shared=1.0)
    with (
        patch("embassy.platform.enqueue.publish") as publish,
        django_capture_on_commit_callbacks(execute=True),
    ):
        answer = api.delete(address(job))

    assert (answer.status_code, answer.content) == (204, b"")
    assert not TrainingJob.objects.exists()
    publish.assert_called_once_with("training.purge", f"training/{job.public_id}/", queue=None)
    assert AuditEvent.objects.get(verb="training_job.deleted").subject == job.public_id
    assert api.get(address(job)).status_code == 404
    assert api.delete(address(job)).status_code == 404


def test_delete_a_running_job(api: APIClient, project: Project, actor: Actor) -> None:
    job = make_running_job(project=project, actor=actor)

    assert api.delete(address(job)).status_code == 204
    assert lifecycle.locked(job.pk, token=job.lease_token) is None


@pytest.mark.parametrize("path", ["", "/cancel"])
def test_other_tenant(other_api: APIClient, job: TrainingJob, path: str) -> None:
    answer = other_api.post(f"{address(job)}/cancel") if path else other_api.delete(address(job))

    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")
    assert TrainingJob.objects.get().status == JobStatus.PENDING


def test_no_key(anonymous_api: APIClient, job: TrainingJob) -> None:
    assert anonymous_api.delete(address(job)).status_code == 401
    assert anonymous_api.post(f"{address(job)}/cancel").status_code == 401


def test_wrong_method(api: APIClient, job: TrainingJob) -> None:
    assert api.get(f"{address(job)}/cancel").status_code == 405
