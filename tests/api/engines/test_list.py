"""GET /v1/engines."""

import pytest
from rest_framework.test import APIClient

from embassy.deployments import services as deployments
from embassy.engines import services
from embassy.engines.models import Engine
from embassy.platform.actor import Actor
from embassy.projects.models import Organization, Project
from tests.api.engines.conftest import URL
from tests.api.guards import key_for
from tests.conftest import client_for
from tests.factories.deployments import BASE, make_deployment, run_engine
from tests.factories.projects import make_key

pytestmark = pytest.mark.django_db


def names(client: APIClient, **query: str) -> list[str]:
    response = client.get(URL, query)
    assert response.status_code == 200, response.json()
    return [row["name"] for row in response.json()]


def test_it_shows_own_engines_and_how_much_is_on_them(
    api: APIClient, other_api: APIClient, engine: Engine, actor: Actor, project: Project
) -> None:
    services.ensure_engine(base_model=BASE, task_type="text-generation")  # the platform's
    kept, gone = (make_deployment(project, actor=actor, engine=engine) for _ in range(2))
    deployments.delete_deployment(deployment=gone, actor=actor)
    [shown] = api.get(URL).json()
    assert (shown["id"], shown["deployment_counts"]) == (engine.public_id, 1)
    assert kept.engine_id == engine.pk
    assert names(other_api) == []


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"base_model": BASE}, ["ours", "sorter"]),
        ({"base_model": "other"}, []),
        ({"task_type": "text-generation"}, ["ours"]),
        ({"task_type": "classification"}, ["sorter"]),
        ({"task_type": "embedding"}, []),
        ({"status": "Active"}, ["sorter"]),
        ({"status": "Creating"}, ["ours"]),
        ({"name": "ours"}, ["ours"]),
        ({"status": "Active", "task_type": "text-generation"}, []),
        ({"unknown": "x"}, ["ours", "sorter"]),
    ],
)
def test_filters(
    api: APIClient, engine: Engine, actor: Actor, query: dict[str, str], shown: list[str]
) -> None:
    sorter = deployments.create_engine(
        base_model=BASE, name="sorter", task_type="classification", resource_management=None, actor=actor
    )
    run_engine(sorter)
    assert names(api, **query) == shown


def test_a_status_that_there_is_not(api: APIClient) -> None:
    response = api.get(URL, {"status": "Sleepy"})
    assert response.status_code == 400
    assert "status" in response.json()["error"]


def test_keys(
    api: APIClient, anonymous_api: APIClient, engine: Engine, organization: Organization, project: Project
) -> None:
    assert anonymous_api.get(URL).status_code == 401
    stranger = client_for(make_key(organization, scopes=("datasets:read",))[1])
    assert stranger.get(URL).json()["code"] == "missing_scope"
    # Engines are there to deploy on, whatever the project.
    assert names(client_for(key_for(project))) == ["ours"]
    assert api.put(URL, {}, format="json").status_code == 405
