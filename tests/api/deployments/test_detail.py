"""GET, DELETE and reactivate of deployments, and the list."""

import pytest
from rest_framework.test import APIClient

from embassy.deployments import services
from embassy.deployments.models import Deployment
from embassy.engines.models import Adapter
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Project
from tests.factories.deployments import BASE, make_checkpoint, make_deployment, make_job, up
from tests.factories.projects import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployment(actor: Actor, project: Project) -> Deployment:
    return make_deployment(project, actor=actor, name="mine", description="Ours.")


@pytest.fixture
def url(project: Project, deployment: Deployment) -> str:
    return f"/v1/projects/{project.public_id}/deployments/{deployment.public_id}"


def test_list_shows_the_projects_live_ones(api: APIClient, project: Project, deployment: Deployment) -> None:
    make_deployment(name="of another organization")
    response = api.get(f"/v1/projects/{project.public_id}/deployments")
    assert response.status_code == 200
    assert [(row["id"], row["status"]) for row in response.json()] == [(deployment.public_id, "Pending")]


def test_detail(api: APIClient, url: str, deployment: Deployment) -> None:
    up(deployment)
    shown = api.get(url).json()
    job = deployment.training_job
    assert job is not None
    assert (
        shown
        | {
            "name": "mine",
            "description": "Ours.",
            "status": "Deployed",
            "reason": "",
            "task_type": "text-generation",
            "base_model": BASE,
            "training_id": job.public_id,
            "checkpoint": 1,
        }
        == shown
    )
    assert isinstance(shown["created_at"], int)
    assert isinstance(shown["updated_at"], int)
    assert "metadata" not in shown


def test_detail_of_a_classifier_has_its_labels(api: APIClient, actor: Actor, project: Project) -> None:
    job = make_job(project, task_type="classification")
    make_checkpoint(job, metadata={"labels": ["good", "bad"]})
    row = make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1)
    shown = api.get(f"/v1/projects/{project.public_id}/deployments/{row.public_id}").json()
    assert shown["metadata"] == {"labels": ["good", "bad"]}


def test_it_says_why_it_waits(api: APIClient, url: str) -> None:
    assert api.get(url).json()["reason"] == "Waiting for an engine worker."


def test_delete(api: APIClient, url: str, project: Project, deployment: Deployment) -> None:
    assert api.delete(url).status_code == 204
    deployment.refresh_from_db()
    assert deployment.status == "Cancelled"
    assert not Adapter.objects.filter(wanted=True).exists()
    assert AuditEvent.objects.filter(verb="deployment.deleted", subject=deployment.public_id).count() == 1

    assert api.get(url).status_code == 404
    assert api.delete(url).status_code == 404
    assert api.get(f"/v1/projects/{project.public_id}/deployments").json() == []


def test_reactivate(api: APIClient, url: str, actor: Actor, deployment: Deployment) -> None:
    services.deactivate(deployment=up(deployment), actor=actor)
    assert api.post(f"{url}/reactivate").status_code == 204
    deployment.refresh_from_db()
    assert deployment.status == "Reactivating"

    again = api.post(f"{url}/reactivate")
    assert (again.status_code, again.json()["code"]) == (400, "already_active")
    assert "is Reactivating" in again.json()["error"]


def test_others_missing_and_wrong_methods(
    api: APIClient, other_api: APIClient, anonymous_api: APIClient, url: str, project: Project
) -> None:
    for client, status in [(other_api, 404), (anonymous_api, 401)]:
        assert client.get(url).status_code == status
        assert client.delete(url).status_code == status
        assert client.post(f"{url}/reactivate").status_code == status
    missing = f"/v1/projects/{project.public_id}/deployments/dp-nope"
    answer = api.get(missing)
    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")
    assert api.put(url, {}).status_code == 405
    assert api.get(f"{url}/reactivate").status_code == 405
    assert Deployment.objects.get().status == "Pending"


def test_other_project_of_the_same_organization_does_not_show_it(
    api: APIClient, actor: Actor, deployment: Deployment
) -> None:
    other = make_project(actor)
    assert api.get(f"/v1/projects/{other.public_id}/deployments/{deployment.public_id}").status_code == 404
