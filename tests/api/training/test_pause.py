"""POST …/training-jobs/{id}/pause and …/resume"""

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
from tests.factories.training import make_job, make_running_job


@pytest.fixture
def job(project: Project, actor: Actor) -> TrainingJob:
    return make_job(project=project, actor=actor)


@pytest.fixture
def running(project: Project, actor: Actor) -> TrainingJob:
    return make_running_job(project=project, actor=actor)


@pytest.fixture
def paused(api: APIClient, job: TrainingJob) -> TrainingJob:
    assert act(api, job, "pause") == (204, "")
    job.refresh_from_db()
    return job


def address(job: TrainingJob) -> str:
    return f"/v1/projects/{job.project.public_id}/training-jobs/{job.public_id}"


def act(api: APIClient, job: TrainingJob, verb: str) -> tuple[int, str]:
    answer = api.post(f"{address(job)}/{verb}")
    return answer.status_code, answer.json()["code"] if answer.content else ""


def test_a_waiting_job_is_paused_at_once(api: APIClient, job: TrainingJob) -> None:
    assert act(api, job, "pause") == (204, "")

    job.refresh_from_db()
    assert (job.status, job.code, job.pause_requested) == (JobStatus.PAUSED, "paused", False)
    assert AuditEvent.objects.get(verb="training_job.paused").subject == job.public_id
    assert Event.objects.filter(subject=job.public_id, target="Paused").count() == 1
    assert lifecycle.claim(job.pk) is None


def test_a_paused_job_is_shown_as_pending(api: APIClient, paused: TrainingJob) -> None:
    shown = api.get(address(paused)).json()

    assert (shown["status"], shown["paused"], shown["reason_code"]) == ("Pending", True, "paused")
    assert "Resume it" in shown["reason"]
    assert api.get(address(paused).rpartition("/")[0]).json()[0]["paused"] is True


def test_a_running_job_is_asked_to_stop(api: APIClient, running: TrainingJob) -> None:
    assert act(api, running, "pause") == (204, "")

    shown = api.get(address(running)).json()
    assert (shown["status"], shown["paused"], shown["pause_requested"]) == ("Running", False, True)
    assert running.events.get(kind="pause_requested").data["message"]
    assert lifecycle.put_aside(running, token=running.lease_token)
    assert (running.status, running.pause_requested, running.lease_owner) == (JobStatus.PAUSED, False, "")


def test_a_job_that_crashes_before_it_is_paused_is_paused_all_the_same(
    api: APIClient, running: TrainingJob
) -> None:
    assert act(api, running, "pause") == (204, "")
    lifecycle.record_crash(running, token=running.lease_token, reason="Odd.", code="internal_error")
    TrainingJob.objects.update(next_retry_at=None)

    assert lifecycle.claim(running.pk) is None

    running.refresh_from_db()
    assert (running.status, running.pause_requested) == (JobStatus.PAUSED, False)


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.TIMED_OUT, JobStatus.CANCELLED])
@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_finished_job(api: APIClient, running: TrainingJob, status: JobStatus, verb: str) -> None:
    assert lifecycle.finish(running, status, token=running.lease_token, reason="It is over.")
    events = Event.objects.count()

    assert act(api, running, verb) == (400, "already_finished")

    running.refresh_from_db()
    assert (running.status, running.reason) == (status, "It is over.")
    assert Event.objects.count() == events


def test_pausing_twice(api: APIClient, paused: TrainingJob, running: TrainingJob) -> None:
    assert act(api, paused, "pause") == (400, "already_paused")
    assert act(api, running, "pause") == (204, "")
    assert act(api, running, "pause") == (400, "already_paused")
    assert AuditEvent.objects.filter(verb="training_job.paused").count() == 2


def test_resume(
    api: APIClient, paused: TrainingJob, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with (
        patch("embassy.platform.enqueue.publish") as publish,
        django_capture_on_commit_callbacks(execute=True),
    ):
        assert act(api, paused, "resume") == (204, "")

    paused.refresh_from_db()
    assert (paused.status, paused.reason) == (JobStatus.PENDING, lifecycle.WAITING)
    publish.assert_called_once_with("training.run", paused.pk, queue=None)
    assert AuditEvent.objects.get(verb="training_job.resumed").subject == paused.public_id
    assert lifecycle.claim(paused.pk) is not None


def test_resume_withdraws_a_pause_that_is_awaited(api: APIClient, running: TrainingJob) -> None:
    act(api, running, "pause")

    assert act(api, running, "resume") == (204, "")

    running.refresh_from_db()
    assert (running.status, running.pause_requested) == (JobStatus.RUNNING, False)
    assert lifecycle.put_aside(running, token=running.lease_token)  # the trainer had been stopped already
    assert running.status == JobStatus.PENDING


@pytest.mark.parametrize("fixture", ["job", "running"])
def test_resume_what_is_not_paused(api: APIClient, request: pytest.FixtureRequest, fixture: str) -> None:
    assert act(api, request.getfixturevalue(fixture), "resume") == (400, "not_paused")
    assert not AuditEvent.objects.filter(verb="training_job.resumed").exists()


def test_cancel_a_paused_job(api: APIClient, paused: TrainingJob) -> None:
    assert act(api, paused, "cancel") == (204, "")

    paused.refresh_from_db()
    assert paused.status == JobStatus.CANCELLED
    assert api.get(address(paused)).json()["paused"] is False


def test_delete_a_paused_job(api: APIClient, paused: TrainingJob) -> None:
    assert api.delete(address(paused)).status_code == 204
    assert not TrainingJob.objects.exists()


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_other_tenant(other_api: APIClient, job: TrainingJob, verb: str) -> None:
    assert act(other_api, job, verb) == (404, "object_not_found")
    assert TrainingJob.objects.get().status == JobStatus.PENDING


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_missing(api: APIClient, project: Project, verb: str) -> None:
    answer = api.post(f"/v1/projects/{project.public_id}/training-jobs/tr-nothing/{verb}")

    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_no_key(anonymous_api: APIClient, job: TrainingJob, verb: str) -> None:
    assert anonymous_api.post(f"{address(job)}/{verb}").status_code == 401


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_wrong_method(api: APIClient, job: TrainingJob, verb: str) -> None:
    assert api.get(f"{address(job)}/{verb}").status_code == 405
