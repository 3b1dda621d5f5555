"""POST /v1/engines/{engine_id}/deploy."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.deployments.models import Deployment
from embassy.engines.models import Adapter, Engine
from embassy.engines.states import Wanted
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Organization, Project
from tests.api.engines.conftest import URL, At
from tests.api.guards import Operation, check_guards, key_for, key_for_another_project
from tests.conftest import client_for
from tests.factories.deployments import BASE, make_checkpoint, make_job, run_engine, stop_engine
from tests.factories.projects import make_actor, make_project

pytestmark = pytest.mark.django_db


def test_it_works(api: APIClient, at: At, engine: Engine, body: dict[str, Any]) -> None:
    response = api.post(at("deploy"), body | {"description": "Ours."}, format="json")
    assert response.status_code == 201, response.json()
    shown = response.json()
    assert (shown["name"], shown["status"]) == ("mine", "Pending")
    assert isinstance(shown["created_at"], int)
    deployment = Deployment.objects.get(public_id=shown["id"])
    assert (deployment.engine_id, deployment.description) == (engine.pk, "Ours.")
    assert Adapter.objects.get().engine_id == engine.pk
    assert AuditEvent.objects.filter(verb="deployment.created", subject=shown["id"]).exists()


def test_base_model(api: APIClient, at: At, body: dict[str, Any]) -> None:
    response = api.post(at("deploy"), body | {"training_id": BASE, "checkpoint": 0}, format="json")
    assert response.status_code == 201
    assert not Adapter.objects.exists()


def test_an_engine_that_sleeps_is_woken(api: APIClient, at: At, engine: Engine, body: dict[str, Any]) -> None:
    run_engine(engine)
    api.post(at("deactivate"))
    stop_engine(engine)
    assert api.post(at("deploy"), body, format="json").status_code == 201
    engine.refresh_from_db()
    assert engine.wanted == Wanted.ACTIVE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"project_id": "ms-nope"}, "project_id: There is no project"),
        ({"project_id": None}, "project_id"),
        ({"training_id": "tr-" + "0" * 22}, "training_job_id"),
        ({"training_id": None}, "training_id"),
        ({"checkpoint": 7}, "checkpoint 7"),
        ({"checkpoint": None}, "checkpoint"),
        ({"checkpoint": "first"}, "checkpoint"),
        ({"checkpoint": -1}, "checkpoint"),
        ({"name": "x" * 121}, "name"),
        ({"name": BASE}, "something else"),
    ],
)
def test_bad_body(api: APIClient, at: At, body: dict[str, Any], change: dict[str, Any], said: str) -> None:
    response = api.post(at("deploy"), body | change, format="json")
    assert response.status_code == 400
    assert said in response.json()["error"]
    assert not Deployment.objects.exists()


@pytest.mark.parametrize(
    ("job", "checkpoint", "said"),
    [
        ({"task_type": "classification"}, {}, "serves text-generation"),
        ({}, {"rank": 64}, "up to rank"),
        ({}, {"merged": True, "rank": 0}, "engine of its own"),
        ({"base_model": "all-MiniLM-L6-v2"}, {}, "not all-MiniLM"),
    ],
)
def test_what_does_not_fit(
    api: APIClient,
    at: At,
    project: Project,
    body: dict[str, Any],
    job: dict[str, Any],
    checkpoint: dict[str, Any],
    said: str,
) -> None:
    row = make_job(project, **job)
    make_checkpoint(row, **checkpoint)
    response = api.post(at("deploy"), body | {"training_id": row.public_id}, format="json")
    assert response.status_code == 400
    assert said in response.json()["error"]


def test_taken_name_and_unfinished_job(
    api: APIClient, at: At, project: Project, body: dict[str, Any]
) -> None:
    assert api.post(at("deploy"), body, format="json").status_code == 201
    again = api.post(at("deploy"), body, format="json")
    assert (again.status_code, again.json()["code"]) == (400, "name_taken")
    running = make_job(project, status="Running")
    early = api.post(at("deploy"), body | {"training_id": running.public_id, "name": "x"}, format="json")
    assert (early.status_code, early.json()["code"]) == (400, "training_job_unfinished")


def test_job_of_another_project_cannot_be_named(
    api: APIClient, at: At, actor: Actor, body: dict[str, Any]
) -> None:
    other = make_project(actor)
    response = api.post(at("deploy"), body | {"project_id": other.public_id}, format="json")
    assert response.status_code == 400


def test_project_of_another_organization_cannot_be_named(
    api: APIClient, at: At, body: dict[str, Any]
) -> None:
    theirs = make_project(make_actor())
    response = api.post(at("deploy"), body | {"project_id": theirs.public_id}, format="json")
    assert (response.status_code, response.json()["code"]) == (400, "object_not_found")


def test_guards(
    api: APIClient, at: At, body: dict[str, Any], organization: Organization, project: Project
) -> None:
    operation = Operation("POST", at("deploy"), "deployments:write", body)
    check_guards(operation, organization, is_in_project=False)
    assert operation.status(client_for(key_for_another_project(organization)))[0] == 400
    assert not Deployment.objects.exists()
    assert api.post(f"{URL}/engine-nope/deploy", body, format="json").status_code == 404
    # A key for the project may deploy, though it may not manage the engine.
    assert client_for(key_for(project)).post(at("deploy"), body, format="json").status_code == 201
