"""A deployment that failed: left alone for a while, then tried again by the next request."""

import pytest

from embassy.deployments import selectors, services
from embassy.deployments.models import Deployment
from embassy.deployments.rest import REST
from embassy.deployments.states import DeploymentStatus
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import ago, make_deployment

pytestmark = pytest.mark.django_db

FAILED = (DeploymentStatus.FAILED, DeploymentStatus.TIMED_OUT)


def failed(project: Project, actor: Actor, status: str, seconds_ago: float) -> Deployment:
    deployment = make_deployment(project, actor=actor)
    Deployment.objects.filter(pk=deployment.pk).update(
        status=status, adapter=None, updated_at=ago(seconds_ago)
    )
    deployment.refresh_from_db()
    return deployment


def wake(deployment: Deployment, actor: Actor) -> str:
    services.wake(route=selectors.deployment_route(deployment), actor=actor)
    deployment.refresh_from_db()
    return deployment.status


@pytest.mark.parametrize("status", FAILED)
def test_a_request_tries_it_again_once_it_has_rested(project: Project, actor: Actor, status: str) -> None:
    deployment = failed(project, actor, status, REST.total_seconds() + 1)

    assert selectors.deployment_state(deployment) == "asleep"
    assert wake(deployment, actor) == DeploymentStatus.REACTIVATING
    assert deployment.adapter is not None


@pytest.mark.parametrize("status", FAILED)
def test_before_that_requests_are_told_that_it_failed(project: Project, actor: Actor, status: str) -> None:
    deployment = failed(project, actor, status, REST.total_seconds() - 5)

    assert selectors.deployment_state(deployment) == "failed"
    assert wake(deployment, actor) == status


def test_one_that_was_deleted_stays_so(project: Project, actor: Actor) -> None:
    deployment = failed(project, actor, DeploymentStatus.TERMINATED, 2 * REST.total_seconds())

    assert selectors.deployment_state(deployment) == "terminated"
    assert wake(deployment, actor) == DeploymentStatus.TERMINATED
