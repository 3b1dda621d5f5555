"""PATCH of a deployment, and the same fields at its creation."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.deployments.models import Deployment
from embassy.deployments.selectors import routes
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Project
from tests.factories.deployments import make_checkpoint, make_deployment, make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployment(actor: Actor, project: Project) -> Deployment:
    return make_deployment(project, actor=actor)


@pytest.fixture
def url(project: Project, deployment: Deployment) -> str:
    return f"/v1/projects/{project.public_id}/deployments/{deployment.public_id}"


def keeps(deployment: Deployment) -> list[bool]:
    return [route.log_requests for route in routes() if route.deployment_pk == deployment.pk]


def test_nothing_is_kept_unless_asked_for(api: APIClient, url: str, deployment: Deployment) -> None:
    shown = api.get(url).json()

    assert (shown["log_requests"], shown["log_retention_days"]) == (False, 30)
    assert keeps(deployment) == [False]


def test_on_and_off(api: APIClient, url: str, deployment: Deployment) -> None:
    answer = api.patch(url, {"log_requests": True, "log_retention_days": 7}, format="json")

    assert answer.status_code == 200
    assert answer.json() == api.get(url).json()
    assert (answer.json()["log_requests"], answer.json()["log_retention_days"]) == (True, 7)
    assert keeps(deployment) == [True]

    api.patch(url, {"log_requests": False}, format="json")

    deployment.refresh_from_db()
    assert (deployment.log_requests, deployment.log_days) == (False, 7)
    assert keeps(deployment) == [False]
    events = AuditEvent.objects.filter(verb="deployment.logging_changed", subject=deployment.public_id)
    assert [event.data for event in events.order_by("id")] == [
        {"log_requests": True, "log_days": 7},
        {"log_requests": False},
    ]


def test_no_change_is_no_event(api: APIClient, url: str) -> None:
    assert api.patch(url, {}, format="json").status_code == 200
    assert api.patch(url, {"log_requests": False}, format="json").status_code == 200
    assert not AuditEvent.objects.filter(verb="deployment.logging_changed").exists()


def test_at_creation(api: APIClient, project: Project) -> None:
    job = make_job(project)
    make_checkpoint(job)
    body = {"training_job_id": job.public_id, "checkpoint": 1, "log_requests": True, "log_retention_days": 3}

    created = api.post(f"/v1/projects/{project.public_id}/deployments", body, format="json")

    row = Deployment.objects.get(public_id=created.json()["id"])
    assert (row.log_requests, row.log_days) == (True, 3)


@pytest.mark.parametrize(
    "body",
    [
        {"log_retention_days": 0},
        {"log_retention_days": 366},
        {"log_retention_days": None},
        {"log_requests": "perhaps"},
        {"log_requests": None},
    ],
)
def test_bad_bodies(api: APIClient, url: str, deployment: Deployment, body: dict[str, Any]) -> None:
    answer = api.patch(url, body, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert next(iter(body)) in answer.json()["error"]
    deployment.refresh_from_db()
    assert (deployment.log_requests, deployment.log_days) == (False, 30)


def test_others_and_missing(
    api: APIClient, other_api: APIClient, anonymous_api: APIClient, url: str, deployment: Deployment
) -> None:
    on = {"log_requests": True}
    assert other_api.patch(url, on, format="json").status_code == 404
    assert anonymous_api.patch(url, on, format="json").status_code == 401
    assert api.patch(url[:-1], on, format="json").status_code == 404
    api.delete(url)
    assert api.patch(url, on, format="json").status_code == 404
    assert keeps(deployment) == [False]
