"""POST /v1/projects/{project_id}/deployments."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.deployments.models import Deployment
from embassy.engines.models import Adapter, Engine
from embassy.projects.models import AuditEvent, Project
from tests.api.guards import Operation, check_guards
from tests.conftest import client_for
from tests.factories.deployments import BASE, make_checkpoint, make_job
from tests.factories.projects import make_key

pytestmark = pytest.mark.django_db


def url(project: Project) -> str:
    return f"/v1/projects/{project.public_id}/deployments"


@pytest.fixture
def body(project: Project) -> dict[str, Any]:
    job = make_job(project)
    make_checkpoint(job)
    return {"training_job_id": job.public_id, "checkpoint": 1}


def test_it_works(api: APIClient, project: Project, body: dict[str, Any]) -> None:
    schedule = {
        "timezone": "America/Los_Angeles",
        "start_time": "10:00",
        "end_time": "18:00",
        "days": ["monday"],
    }
    full = body | {"name": "d-1", "description": "x", "inactive_timeout": 600, "schedule": schedule}
    response = api.post(url(project), full, format="json")

    assert response.status_code == 201, response.json()
    summary = response.json()
    assert summary["id"].startswith("dp-")
    assert (summary["name"], summary["status"]) == ("d-1", "Pending")
    assert isinstance(summary["created_at"], int)
    row = Deployment.objects.get()
    assert (row.inactive_timeout, row.schedule, row.description) == (600, schedule, "x")
    assert Engine.objects.count() == Adapter.objects.count() == 1
    assert AuditEvent.objects.filter(verb="deployment.created", subject=summary["id"]).exists()


def test_only_the_two_required_fields_are_needed(
    api: APIClient, project: Project, body: dict[str, Any]
) -> None:
    response = api.post(url(project), body, format="json")
    assert response.status_code == 201
    assert response.json()["name"].startswith("deployment-")


def test_base_model(api: APIClient, project: Project) -> None:
    response = api.post(url(project), {"training_job_id": BASE, "checkpoint": 0}, format="json")
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"training_job_id": None}, "training_job_id"),
        ({"checkpoint": "one"}, "checkpoint"),
        ({"checkpoint": -1}, "checkpoint"),
        ({"checkpoint": 9}, "no checkpoint 9"),
        ({"training_job_id": "tr-" + "0" * 22}, "no training job"),
        ({"inactive_timeout": 1}, "inactive timeout"),
        ({"inactive_timeout": "soon"}, "inactive_timeout"),
        ({"schedule": {"start_time": "10:00"}}, "schedule.end_time"),
        ({"schedule": {}}, "schedule.start_time"),
        ({"schedule": {"start_time": "10:99", "end_time": "11:00"}}, "schedule.start_time"),
        ({"schedule": {"start_time": "10:00", "end_time": "11:00", "days": ["Caturday"]}}, "schedule.days"),
        ({"schedule": "always"}, "schedule"),
        ({"name": "x" * 200}, "name"),
    ],
)
def test_bad_body(
    api: APIClient, project: Project, body: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    response = api.post(url(project), body | change, format="json")
    assert response.status_code == 400
    assert response.json()["status"] == 400
    assert said in response.json()["error"]
    assert not Deployment.objects.exists()


def test_unfinished_job_and_taken_name_are_bad_requests_with_codes_of_their_own(
    api: APIClient, project: Project, body: dict[str, Any]
) -> None:
    running = make_job(project, status="Running")
    response = api.post(url(project), {"training_job_id": running.public_id, "checkpoint": 1}, format="json")
    assert (response.status_code, response.json()["code"]) == (400, "training_job_unfinished")

    assert api.post(url(project), body | {"name": "twice"}, format="json").status_code == 201
    response = api.post(url(project), body | {"name": "twice"}, format="json")
    assert (response.status_code, response.json()["code"]) == (400, "name_taken")


def test_not_json(api: APIClient, project: Project) -> None:
    response = api.post(url(project), "{", content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "malformed_body")


def test_others_and_missing_projects(
    other_api: APIClient, api: APIClient, anonymous_api: APIClient, project: Project, body: dict[str, Any]
) -> None:
    assert other_api.post(url(project), body, format="json").status_code == 404
    assert api.post("/v1/projects/ms-nope/deployments", body, format="json").status_code == 404
    assert anonymous_api.post(url(project), body, format="json").status_code == 401
    assert other_api.get(url(project)).status_code == 404
    assert anonymous_api.get(url(project)).status_code == 401
    assert api.patch(url(project), body, format="json").status_code == 405


def test_key_without_the_scope_may_only_look(project: Project, body: dict[str, Any]) -> None:
    _, plain = make_key(project.organization, scopes=("deployments:read",))
    client = client_for(plain)
    assert client.get(url(project)).status_code == 200
    response = client.post(url(project), body, format="json")
    assert (response.status_code, response.json()["code"]) == (403, "missing_scope")


def test_guards(project: Project, body: dict[str, Any]) -> None:
    operation = Operation("POST", url(project), "deployments:write", body, others=("GET",))
    check_guards(operation, project.organization)
    assert not Deployment.objects.exists()


def test_a_window_past_midnight_and_a_bare_timeout(
    api: APIClient, project: Project, body: dict[str, Any]
) -> None:
    night = {"timezone": "Australia/Lord_Howe", "start_time": "22:00", "end_time": "06:00"}
    created = api.post(url(project), body | {"schedule": night}, format="json").json()
    shown = api.get(f"{url(project)}/{created['id']}").json()
    assert shown["schedule"] | night == shown["schedule"]
    assert len(shown["schedule"]["days"]) == 7
    assert shown["inactive_timeout"] == 3600


def test_embedding_base_model(api: APIClient, project: Project) -> None:
    asked = {"training_job_id": "all-MiniLM-L6-v2", "checkpoint": 0}
    created = api.post(url(project), asked, format="json")
    assert created.status_code == 201, created.json()
    assert api.get(f"{url(project)}/{created.json()['id']}").json()["task_type"] == "embedding"
