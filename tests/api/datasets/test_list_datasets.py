"""GET /v1/projects/{project_id}/datasets"""

from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.conftest import client_for
from tests.factories.datasets import make_dataset
from tests.factories.projects import make_key, make_project


def address(project: Project) -> str:
    return f"/v1/projects/{project.public_id}/datasets"


def test_it_lists_in_the_order_of_creation(api: APIClient, project: Project, actor: Actor) -> None:
    made = [make_dataset(project=project, actor=actor, name=name) for name in ("b", "a")]
    answer = api.get(address(project))
    assert answer.status_code == 200
    assert answer.json() == [
        {
            "id": dataset.public_id,
            "name": dataset.name,
            "created_at": int(dataset.created_at.timestamp()),
            "is_uploaded": True,
        }
        for dataset in made
    ]


def test_none(api: APIClient, project: Project) -> None:
    answer = api.get(address(project))
    assert (answer.status_code, answer.json()) == (200, [])


def test_datasets_of_another_project_are_not_in_it(api: APIClient, project: Project, actor: Actor) -> None:
    make_dataset(project=make_project(actor), actor=actor)
    assert api.get(address(project)).json() == []


def test_wrong_method(api: APIClient, project: Project) -> None:
    assert api.patch(address(project)).status_code == 405


def test_no_key(anonymous_api: APIClient, project: Project) -> None:
    answer = anonymous_api.get(address(project))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_a_key_for_something_else(project: Project) -> None:
    client = client_for(make_key(project.organization, scopes=["training:write"])[1])
    assert client.get(address(project)).status_code == 403


def test_other_tenant(other_api: APIClient, project: Project, actor: Actor) -> None:
    make_dataset(project=project, actor=actor)
    assert other_api.get(address(project)).status_code == 404


def test_missing_project(api: APIClient) -> None:
    answer = api.get("/v1/projects/ms-0000000000000000000000/datasets")
    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")
