"""GET /v1/projects/{project_id}/deployments/{deployment_id}."""

import pytest
from rest_framework.test import APIClient

from embassy.deployments import services
from embassy.deployments.models import Deployment
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.api.guards import Operation, check_guards
from tests.factories.deployments import BASE, make_checkpoint, make_deployment, make_job, up
from tests.factories.projects import make_project

pytestmark = pytest.mark.django_db


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


def test_on_an_own_engine_it_says_which(api: APIClient, actor: Actor, project: Project, url: str) -> None:
    assert api.get(url).json()["engine_id"] is None
    engine = services.create_engine(
        base_model=BASE, name="ours", task_type=None, resource_management=None, actor=actor
    )
    row = make_deployment(project, actor=actor, engine=engine)
    shown = api.get(f"/v1/projects/{project.public_id}/deployments/{row.public_id}").json()
    assert shown["engine_id"] == engine.public_id


def test_guards(api: APIClient, actor: Actor, url: str, project: Project, deployment: Deployment) -> None:
    operation = Operation("GET", url, "deployments:read", others=("PATCH", "DELETE"))
    check_guards(operation, project.organization)
    missing = api.get(f"/v1/projects/{project.public_id}/deployments/dp-nope")
    assert (missing.status_code, missing.json()["code"]) == (404, "object_not_found")
    other = make_project(actor)
    assert api.get(f"/v1/projects/{other.public_id}/deployments/{deployment.public_id}").status_code == 404
