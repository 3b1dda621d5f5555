"""GET /v1/projects/{project_id}/training-jobs"""

import pytest
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.training import make_job


@pytest.fixture
def address(project: Project) -> str:
    return f"/v1/projects/{project.public_id}/training-jobs"


def test_in_order_of_creation(api: APIClient, project: Project, actor: Actor, address: str) -> None:
    jobs = [make_job(project=project, actor=actor) for _ in range(2)]
    make_job()  # somebody else's

    assert [shown["id"] for shown in api.get(address).json()] == [job.public_id for job in jobs]


def test_nothing_yet(api: APIClient, address: str) -> None:
    assert api.get(address).json() == []


def test_no_key(anonymous_api: APIClient, address: str) -> None:
    answer = anonymous_api.get(address)

    assert (answer.status_code, answer.json()["status"]) == (401, 401)


def test_somebody_elses_project(other_api: APIClient, address: str) -> None:
    answer = other_api.get(address)

    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


def test_wrong_method(api: APIClient, address: str) -> None:
    assert api.put(address, {}, format="json").status_code == 405
