"""A deployment of the organization of `actor`, and its address."""

import pytest

from embassy.deployments.models import Deployment
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import make_deployment


@pytest.fixture
def deployment(actor: Actor, project: Project) -> Deployment:
    return make_deployment(project, actor=actor, name="mine", description="Ours.")


@pytest.fixture
def url(project: Project, deployment: Deployment) -> str:
    return f"/v1/projects/{project.public_id}/deployments/{deployment.public_id}"
