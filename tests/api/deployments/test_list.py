"""GET /v1/projects/{project_id}/deployments."""

import pytest
from rest_framework.test import APIClient

from embassy.deployments import services
from embassy.deployments.models import Deployment
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.api.guards import Operation, check_guards
from tests.factories.deployments import BASE, make_deployment, up

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(project: Project) -> str:
    return f"/v1/projects/{project.public_id}/deployments"


def names(client: APIClient, address: str, **query: str) -> list[str]:
    response = client.get(address, query)
    assert response.status_code == 200, response.json()
    return [row["name"] for row in response.json()]


def test_it_shows_the_projects_live_ones(
    api: APIClient, address: str, actor: Actor, project: Project, deployment: Deployment
) -> None:
    make_deployment(name="of another organization")
    gone = make_deployment(project, actor=actor)
    services.delete_deployment(deployment=gone, actor=actor)
    [shown] = api.get(address).json()
    assert shown.keys() == {"id", "name", "status", "reason", "created_at"}
    assert (shown["id"], shown["status"]) == (deployment.public_id, "Pending")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, ["mine", "base"]),
        ({"status": "Deployed"}, ["base"]),
        ({"status": "Pending"}, ["mine"]),
        ({"status": "Failed"}, []),
        ({"name": "mine"}, ["mine"]),
        ({"base_model": BASE}, ["mine", "base"]),
        ({"base_model": "other"}, []),
        ({"task_type": "text-generation"}, ["mine", "base"]),
        ({"task_type": "embedding"}, []),
        ({"unknown": "x"}, ["mine", "base"]),
    ],
)
def test_filters(
    api: APIClient,
    address: str,
    actor: Actor,
    project: Project,
    deployment: Deployment,
    query: dict[str, str],
    shown: list[str],
) -> None:
    up(make_deployment(project, actor=actor, name="base", reference=BASE, checkpoint=0))
    assert names(api, address, **query) == shown


def test_those_of_one_job(
    api: APIClient, address: str, actor: Actor, project: Project, deployment: Deployment
) -> None:
    make_deployment(project, actor=actor, name="of another job")
    assert deployment.training_job is not None
    assert names(api, address, training_id=deployment.training_job.public_id) == ["mine"]


def test_a_status_that_there_is_not(api: APIClient, address: str) -> None:
    response = api.get(address, {"status": "Sleepy"})
    assert response.status_code == 400
    assert "status" in response.json()["error"]


def test_guards(api: APIClient, address: str, project: Project) -> None:
    check_guards(Operation("GET", address, "deployments:read", others=("POST",)), project.organization)
    assert api.get("/v1/projects/ms-nope/deployments").status_code == 404
