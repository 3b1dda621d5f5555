from html import unescape

import pytest
from django.test import Client

from embassy.deployments import services
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
    page = member.get(f"{address}/examples").content.decode()
    for part in (
        "curl --fail-with-body http://testserver/v1/chat/completions",
        "from openai import OpenAI",
        "await fetch(",
        "import OpenAI from",
    ):
        assert part in unescape(page)


@pytest.mark.parametrize(
    ("task", "path"),
    [
        ("classification", "/v1/classification"),
        ("regression", "/v1/regression"),
        ("embedding", "/v1/embeddings"),
    ],
)
def test_shows_how_to_call_each_task(
    member: Client, address: str, deployment: Deployment, task: str, path: str
) -> None:
    Deployment.objects.filter(pk=deployment.pk).update(task_type=task)
    page = unescape(member.get(f"{address}/examples").content.decode())
    assert page.count(f"http://testserver{path}") >= 3
    assert page.count("data-copies") == 5


CHANGED = {"name": "other", "description": "For the desk", "rule": "inactive_timeout", "minutes": "10"}
WINDOW = {"start_time": "08:00", "end_time": "18:00", "timezone": "Europe/Berlin", "days": ["monday"]}


def test_changes_its_name_and_rules(member: Client, address: str, deployment: Deployment) -> None:
    assert member.post(address, CHANGED).status_code == 302
    deployment.refresh_from_db()
    assert (deployment.name, deployment.description, deployment.inactive_timeout) == (
        "other",
        "For the desk",
        600,
    )
    assert member.post(address, CHANGED | WINDOW | {"rule": "schedule"}).status_code == 302
    deployment.refresh_from_db()
    assert deployment.schedule == WINDOW


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": " "}, "Give it a name."),
        ({"name": "tiny-llama-instruct"}, "means something else already"),
        ({"name": "taken"}, "Choose another name"),
        ({"minutes": "soon"}, "Write the minutes as a number."),
        ({"minutes": "0.5"}, "must lie between"),
        ({"rule": "schedule", "days": []}, "Choose at least one day."),
        (WINDOW | {"rule": "schedule", "start_time": "late"}, "start_time"),
    ],
)
def test_a_change_that_is_wrong_is_told_and_what_was_typed_stays(
    member: Client, address: str, project: Project, actor: Actor, wrong: dict[str, object], sentence: str
) -> None:
    make_deployment(project, actor=actor, name="taken")
    answer = member.post(address, CHANGED | wrong)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert sentence in page
    assert 'value="For the desk"' in page
    assert Deployment.objects.filter(name="tickets").exists()


def test_one_on_an_engine_of_its_own_sleeps_with_that(
    member: Client, home: str, project: Project, actor: Actor
) -> None:
    engine = services.create_engine(
        base_model="tiny-llama-instruct", name="mine", task_type=None, resource_management=None, actor=actor
    )
    deployment = make_deployment(project, actor=actor, engine=engine, name="onmine")
    address = f"{home}/deployments/{deployment.public_id}"
    page = member.get(address).content.decode()
    assert "It sleeps and wakes with its engine" in page
    assert f"/console/engines/{engine.public_id}" in page
    assert member.post(address, {"name": "renamed", "description": ""}).status_code == 302
    deployment.refresh_from_db()
    assert deployment.name == "renamed"


def test_its_test_page_asks_it(member: Client, viewer: Client, address: str, deployment: Deployment) -> None:
    page = member.get(f"{address}/test").content.decode()
    assert f'data-address="{address}/chat"' in page
    assert f'data-task="{deployment.task_type}"' in page
    assert "play-form" not in viewer.get(f"{address}/test").content.decode()
