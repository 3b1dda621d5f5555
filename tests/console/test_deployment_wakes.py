import pytest
from django.test import Client

from embassy.deployments.models import Deployment, Wake
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import make_deployment, up


@pytest.fixture
def deployment(project: Project, actor: Actor) -> Deployment:
    return make_deployment(project, actor=actor, name="tickets")


def test_the_page_tells_the_last_wake(member: Client, home: str, deployment: Deployment) -> None:
    address = f"{home}/deployments/{deployment.public_id}"
    assert "Last wake" not in member.get(address).content.decode()  # it has not come to an end

    up(deployment)
    Wake.objects.update(cause="engine_lost", seconds=1.24)
    assert "Last wake (engine lost): up after 1.2 s, just now." in member.get(address).content.decode()
    Wake.objects.update(outcome="failed")
    assert "Last wake (engine lost): failed after 1.2 s" in member.get(address).content.decode()
