"""GET /v1/engines/{engine_id}."""

import pytest
from rest_framework.test import APIClient

from embassy.engines import services
from embassy.engines.models import Engine
from embassy.platform.actor import Actor
from embassy.projects.models import Organization, Project
from tests.api.engines.conftest import URL, At
from tests.api.guards import Operation, check_guards, key_for_another_project
from tests.conftest import client_for
from tests.factories.deployments import BASE, make_deployment

pytestmark = pytest.mark.django_db


def test_it_works(api: APIClient, at: At, engine: Engine, actor: Actor, project: Project) -> None:
    deployment = make_deployment(project, actor=actor, engine=engine, name="mine")
    shown = api.get(at()).json()
    assert (
        shown
        | {
            "id": engine.public_id,
            "name": "ours",
            "status": "Creating",
            "base_model": BASE,
            "task_type": "text-generation",
            "server_type": "on-demand",
            "base_model_option": "pre-trained",
        }
        == shown
    )
    assert shown["reason"] == "Waiting for an engine worker."
    assert isinstance(shown["last_access_timestamp"], int)
    [row] = shown["deployments"]
    assert (row["id"], row["name"], row["status"]) == (deployment.public_id, "mine", "Pending")
    config = shown["resource_management_config"]
    assert config["management_type"] == "inactive_timeout"
    assert config["management_config"]["inactive_duration"] > 0


def test_deployments_of_projects_that_the_key_may_not_see_are_left_out(
    at: At, engine: Engine, actor: Actor, project: Project, organization: Organization
) -> None:
    make_deployment(project, actor=actor, engine=engine)
    client = client_for(key_for_another_project(organization))
    assert client.get(at()).json()["deployments"] == []


def test_guards(api: APIClient, at: At, organization: Organization) -> None:
    operation = Operation("GET", at(), "engines:read", others=("PATCH", "DELETE"))
    check_guards(operation, organization, is_in_project=False)
    assert api.get(f"{URL}/engine-nope").status_code == 404
    automatic = services.ensure_engine(base_model=BASE, task_type="text-generation")
    assert api.get(f"{URL}/{automatic.public_id}").status_code == 404
