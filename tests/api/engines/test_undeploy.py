"""POST /v1/engines/{engine_id}/undeploy."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.deployments.models import Deployment
from embassy.engines.models import Adapter, Engine
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Organization, Project
from tests.api.engines.conftest import At
from tests.api.guards import Operation, check_guards, key_for_another_project
from tests.conftest import client_for
from tests.factories.deployments import make_deployment, up

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployment(engine: Engine, actor: Actor, project: Project) -> Deployment:
    return make_deployment(project, actor=actor, engine=engine, name="mine")


@pytest.mark.parametrize("by", ["name", "public_id"])
def test_it_works_by_name_and_by_id(api: APIClient, at: At, deployment: Deployment, by: str) -> None:
    up(deployment)
    asked = {"deployment_name": getattr(deployment, by)}
    response = api.post(at("undeploy"), asked, format="json")
    assert (response.status_code, response.content) == (204, b"")
    deployment.refresh_from_db()
    assert deployment.status == "Terminated"
    assert not Adapter.objects.filter(wanted=True).exists()
    assert AuditEvent.objects.filter(verb="deployment.deleted", subject=deployment.public_id).count() == 1

    again = api.post(at("undeploy"), asked, format="json")
    assert again.status_code == 400
    assert "there is no deployment" in again.json()["error"]


def test_one_that_was_never_up_is_cancelled(api: APIClient, at: At, deployment: Deployment) -> None:
    assert api.post(at("undeploy"), {"deployment_name": "mine"}, format="json").status_code == 204
    deployment.refresh_from_db()
    assert deployment.status == "Cancelled"


@pytest.mark.parametrize("body", [{}, {"deployment_name": None}, {"deployment_name": ""}, {"name": "mine"}])
def test_bad_body(api: APIClient, at: At, deployment: Deployment, body: dict[str, Any]) -> None:
    response = api.post(at("undeploy"), body, format="json")
    assert response.status_code == 400
    assert "deployment_name" in response.json()["error"]


def test_a_deployment_elsewhere_is_not_on_this_engine(
    api: APIClient, at: At, actor: Actor, project: Project
) -> None:
    elsewhere = make_deployment(project, actor=actor, name="elsewhere")
    response = api.post(at("undeploy"), {"deployment_name": "elsewhere"}, format="json")
    assert response.status_code == 400
    elsewhere.refresh_from_db()
    assert elsewhere.status == "Pending"


def test_guards(at: At, deployment: Deployment, organization: Organization) -> None:
    operation = Operation("POST", at("undeploy"), "deployments:write", {"deployment_name": "mine"})
    check_guards(operation, organization, is_in_project=False)
    elsewhere = client_for(key_for_another_project(organization))
    assert operation.status(elsewhere)[0] == 400  # named in the body, and not to be seen
    deployment.refresh_from_db()
    assert deployment.status == "Pending"
