"""DELETE /v1/projects/{project_id}/deployments/{deployment_id}."""

import pytest
from rest_framework.test import APIClient

from embassy.deployments import services
from embassy.deployments.models import Deployment
from embassy.engines.models import Adapter
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Project
from embassy.training.services import delete_training_job
from tests.api.guards import Operation, check_guards
from tests.factories.deployments import up

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("was_up", "status"), [(False, "Cancelled"), (True, "Terminated")])
def test_it_works(
    api: APIClient, url: str, project: Project, deployment: Deployment, was_up: bool, status: str
) -> None:
    if was_up:
        up(deployment)
    response = api.delete(url)
    assert (response.status_code, response.content) == (204, b"")
    deployment.refresh_from_db()
    assert deployment.status == status
    assert not Adapter.objects.filter(wanted=True).exists()
    assert AuditEvent.objects.filter(verb="deployment.deleted", subject=deployment.public_id).count() == 1

    assert api.get(url).status_code == 404
    assert api.delete(url).status_code == 404
    assert api.get(f"/v1/projects/{project.public_id}/deployments").json() == []


def test_one_that_sleeps(api: APIClient, url: str, actor: Actor, deployment: Deployment) -> None:
    services.deactivate(deployment=up(deployment), actor=actor)
    assert api.delete(url).status_code == 204
    deployment.refresh_from_db()
    assert deployment.status == "Terminated"


def test_its_job_may_be_deleted_after_it(
    api: APIClient, url: str, actor: Actor, deployment: Deployment
) -> None:
    job = deployment.training_job
    assert job is not None
    assert api.delete(url).status_code == 204
    delete_training_job(job=job, actor=actor)


def test_guards(api: APIClient, url: str, project: Project, deployment: Deployment) -> None:
    operation = Operation("DELETE", url, "deployments:write", others=("GET", "PATCH"))
    check_guards(operation, project.organization)
    assert api.delete(f"/v1/projects/{project.public_id}/deployments/dp-nope").status_code == 404
    deployment.refresh_from_db()
    assert deployment.status == "Pending"
