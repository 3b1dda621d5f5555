import pytest
from django.test import Client

from embassy.deployments.models import Deployment
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import make_checkpoint, make_deployment, make_job, up


@pytest.fixture
def deployment(project: Project, actor: Actor) -> Deployment:
    return make_deployment(project, actor=actor, name="tickets")


@pytest.fixture
def address(home: str, deployment: Deployment) -> str:
    return f"{home}/deployments/{deployment.public_id}"


def test_deploys_a_checkpoint(member: Client, home: str, project: Project) -> None:
    job = make_job(project)
    make_checkpoint(job)
    assert "Deploy checkpoint 1" in member.get(f"{home}/jobs/{job.public_id}").content.decode()

    form = {"reference": job.public_id, "checkpoint": "1", "name": "mine", "inactive_minutes": "5"}
    answer = member.post(f"{home}/deployments", form)
    deployment = Deployment.objects.get()
    assert answer.headers["Location"] == f"{home}/deployments/{deployment.public_id}"
    assert (deployment.name, deployment.inactive_timeout) == ("mine", 300)
    assert "Why am I waiting?" in member.get(answer.headers["Location"]).content.decode()


def test_a_taken_name_is_told(member: Client, home: str, deployment: Deployment) -> None:
    assert deployment.training_job
    form = {"reference": deployment.training_job.public_id, "checkpoint": "1", "name": "tickets"}
    answer = member.post(f"{home}/deployments", form)
    assert answer.status_code == 409
    assert "Choose another name" in answer.content.decode()


def test_a_failed_parity_check_is_told_and_can_be_overruled(
    member: Client, home: str, project: Project
) -> None:
    job = make_job(project)
    make_checkpoint(job, parity={"status": "failed", "reason": "The engine says otherwise."})
    assert "Deploy it although" in member.get(f"{home}/jobs/{job.public_id}").content.decode()

    form = {"reference": job.public_id, "checkpoint": "1", "name": "mine"}
    answer = member.post(f"{home}/deployments", form)
    assert answer.status_code == 409
    assert "The engine says otherwise." in answer.content.decode()
    assert member.post(f"{home}/deployments", {**form, "force": "yes"}).status_code == 302
    assert Deployment.objects.get().name == "mine"


def test_numbers_are_checked(member: Client, home: str) -> None:
    assert member.post(f"{home}/deployments", {"checkpoint": "one"}).status_code == 400


def test_sleeps_wakes_and_goes(member: Client, address: str, deployment: Deployment) -> None:
    up(deployment)
    assert "It answers now." in member.get(f"{address}/live").content.decode()
    assert member.post(f"{address}/deactivate").status_code == 302
    assert "Wake up" in member.get(address).content.decode()
    assert member.post(f"{address}/reactivate").status_code == 302
    assert member.post(f"{address}/reactivate").status_code == 409
    assert member.post(f"{address}/delete").status_code == 302
    assert member.get(address).status_code == 404


def test_shows_how_to_call_it(member: Client, address: str) -> None:
    page = member.get(address).content.decode()
    for part in ("curl http://testserver/v1/chat/completions", "from openai import OpenAI", "await fetch("):
        assert part in page
