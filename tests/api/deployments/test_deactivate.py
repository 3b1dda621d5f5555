"""POST /v1/projects/{project_id}/deployments/{deployment_id}/deactivate."""

import pytest
from rest_framework.test import APIClient

from embassy.deployments.models import Deployment
from embassy.engines.models import Adapter
from embassy.projects.models import AuditEvent, Project
from tests.api.guards import Operation, check_guards
from tests.factories.deployments import up

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("was_up", [True, False])
def test_it_works(api: APIClient, url: str, deployment: Deployment, was_up: bool) -> None:
    if was_up:
        up(deployment)
    response = api.post(f"{url}/deactivate")
    assert (response.status_code, response.content) == (204, b"")
    deployment.refresh_from_db()
    assert (deployment.status, deployment.reason) == ("Deactivated", "Deactivated by hand.")
    assert not Adapter.objects.filter(wanted=True).exists()
    verb = "deployment.deactivated"
    assert AuditEvent.objects.filter(verb=verb, subject=deployment.public_id).count() == 1


def test_twice(api: APIClient, url: str, deployment: Deployment) -> None:
    assert api.post(f"{url}/deactivate").status_code == 204
    again = api.post(f"{url}/deactivate")
    assert (again.status_code, again.json()["code"]) == (400, "not_active")


def test_guards(api: APIClient, url: str, project: Project, deployment: Deployment) -> None:
    check_guards(Operation("POST", f"{url}/deactivate", "deployments:write"), project.organization)
    assert api.post(f"/v1/projects/{project.public_id}/deployments/dp-nope/deactivate").status_code == 404
    deployment.refresh_from_db()
    assert deployment.status == "Pending"
