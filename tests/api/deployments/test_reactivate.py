"""POST /v1/projects/{project_id}/deployments/{deployment_id}/reactivate."""

import pytest
from rest_framework.test import APIClient

from embassy.deployments import services
from embassy.deployments.models import Deployment
from embassy.engines.models import Adapter
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Project
from tests.api.guards import Operation, check_guards
from tests.factories.deployments import up

pytestmark = pytest.mark.django_db


@pytest.fixture
def asleep(deployment: Deployment, actor: Actor) -> Deployment:
    services.deactivate(deployment=up(deployment), actor=actor)
    return deployment


def test_it_works(api: APIClient, url: str, asleep: Deployment) -> None:
    response = api.post(f"{url}/reactivate")
    assert (response.status_code, response.content) == (204, b"")
    asleep.refresh_from_db()
    assert asleep.status == "Reactivating"
    assert Adapter.objects.get().wanted
    verb = "deployment.reactivated"
    assert AuditEvent.objects.filter(verb=verb, subject=asleep.public_id).count() == 1


def test_one_that_is_up_or_on_its_way(api: APIClient, url: str, deployment: Deployment) -> None:
    early = api.post(f"{url}/reactivate")
    assert (early.status_code, early.json()["code"]) == (400, "already_active")
    assert "is Pending" in early.json()["error"]
    up(deployment)
    assert "is Deployed" in api.post(f"{url}/reactivate").json()["error"]


def test_twice(api: APIClient, url: str, asleep: Deployment) -> None:
    assert api.post(f"{url}/reactivate").status_code == 204
    again = api.post(f"{url}/reactivate")
    assert (again.status_code, again.json()["code"]) == (400, "already_active")
    assert "is Reactivating" in again.json()["error"]


def test_guards(api: APIClient, url: str, project: Project, asleep: Deployment) -> None:
    check_guards(Operation("POST", f"{url}/reactivate", "deployments:write"), project.organization)
    assert api.post(f"/v1/projects/{project.public_id}/deployments/dp-nope/reactivate").status_code == 404
    asleep.refresh_from_db()
    assert asleep.status == "Deactivated"
