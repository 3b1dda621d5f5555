"""The eight operations on an organization's own engines."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.deployments.models import Deployment
from embassy.engines import services
from embassy.engines.models import Engine
from embassy.engines.states import Wanted
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import BASE, make_checkpoint, make_job, run_engine, stop_engine

pytestmark = pytest.mark.django_db
URL = "/v1/engines"

SCHEDULE = {
    "management_type": "schedule",
    "management_config": {
        "timezone": "Europe/Berlin",
        "start_time": "08:00",
        "end_time": "18:00",
        "days": ["monday", "friday"],
    },
}


@pytest.fixture
def engine(api: APIClient) -> Engine:
    created = api.post(URL, {"name": "ours", "base_model": BASE}, format="json").json()
    return Engine.objects.get(public_id=created["id"])


@pytest.fixture
def body(project: Project) -> dict[str, Any]:
    job = make_job(project)
    make_checkpoint(job)
    return {"project_id": project.public_id, "training_id": job.public_id, "checkpoint": 1, "name": "mine"}


def at(engine: Engine, *path: str) -> str:
    return "/".join([URL, engine.public_id, *path])


# --- Create ---------------------------------------------------------------------------------------


def test_create(api: APIClient) -> None:
    management = {"management_type": "inactive_timeout", "management_config": {"inactive_duration": 600}}
    response = api.post(
        URL,
        {
            "name": "ours",
            "base_model": BASE,
            "task_type": "text-generation",
            "resource_management_config": management,
        },
        format="json",
    )
    assert response.status_code == 201, response.json()
    shown = response.json()
    assert shown["id"].startswith("engine-")
    assert (
        shown
        | {
            "name": "ours",
            "status": "Creating",
            "base_model": BASE,
            "server_type": "on-demand",
            "task_type": "text-generation",
            "deployment_counts": 0,
        }
        == shown
    )
    assert api.get(at(Engine.objects.get())).json()["resource_management_config"] == management


def test_create_with_schedule_and_with_defaults(api: APIClient) -> None:
    response = api.post(URL, {"base_model": BASE, "resource_management_config": SCHEDULE}, format="json")
    assert response.status_code == 201
    assert Engine.objects.get().resource_management == SCHEDULE
    assert api.post(URL, {"base_model": BASE}, format="json").status_code == 201
    assert Engine.objects.filter(automatic=False).count() == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"base_model": "nope"}, "base_model: There is no base model nope"),
        ({"base_model": None}, "base_model"),
        ({"task_type": "embedding"}, "does not do embedding"),
        ({"resource_management_config": {"management_type": "never"}}, "management_type"),
        ({"resource_management_config": "never"}, "management_type"),
        ({"resource_management_config": {"management_type": "schedule"}}, "schedule.start_time"),
        (
            {
                "resource_management_config": {
                    "management_type": "inactive_timeout",
                    "management_config": {"inactive_duration": 1},
                }
            },
            "inactive timeout",
        ),
        (
            {
                "resource_management_config": {
                    "management_type": "schedule",
                    "management_config": {"timezone": "Nowhere", "start_time": "08:00", "end_time": "09:00"},
                }
            },
            "time zone",
        ),
    ],
)
def test_create_with_a_bad_body(api: APIClient, change: dict[str, Any], said: str) -> None:
    response = api.post(URL, {"base_model": BASE} | change, format="json")
    assert response.status_code == 400
    assert said in response.json()["error"]
    assert not Engine.objects.exists()


def test_taken_name(api: APIClient, engine: Engine) -> None:
    response = api.post(URL, {"name": "ours", "base_model": BASE}, format="json")
    assert (response.status_code, response.json()["code"]) == (400, "name_taken")


# --- Look -----------------------------------------------------------------------------------------


def test_list_shows_own_engines_and_filters(api: APIClient, other_api: APIClient, engine: Engine) -> None:
    services.ensure_engine(base_model=BASE, task_type="text-generation")  # the platform's
    assert [row["id"] for row in api.get(URL).json()] == [engine.public_id]
    assert [row["id"] for row in api.get(URL, {"base_model": BASE}).json()] == [engine.public_id]
    assert api.get(URL, {"base_model": "other"}).json() == []
    assert api.get(URL, {"task_type": "classification"}).json() == []
    assert other_api.get(URL).json() == []


def test_detail(api: APIClient, engine: Engine, body: dict[str, Any]) -> None:
    api.post(at(engine, "deploy"), body, format="json")
    shown = api.get(at(engine)).json()
    assert shown["base_model_option"] == "pre-trained"
    assert isinstance(shown["last_access_timestamp"], int)
    assert [row["name"] for row in shown["deployments"]] == ["mine"]
    assert api.get(URL).json()[0]["deployment_counts"] == 1


# --- Deploy and undeploy --------------------------------------------------------------------------


def test_deploy_and_undeploy(api: APIClient, engine: Engine, body: dict[str, Any]) -> None:
    response = api.post(at(engine, "deploy"), body, format="json")
    assert response.status_code == 201
    assert response.json()["status"] == "Pending"
    assert Deployment.objects.get().engine_id == engine.pk
    refused = api.delete(at(engine))
    assert (refused.status_code, refused.json()["code"]) == (400, "has_deployments")

    assert api.post(at(engine, "undeploy"), {"deployment_name": "mine"}, format="json").status_code == 204
    assert Deployment.objects.get().status == "Cancelled"
    again = api.post(at(engine, "undeploy"), {"deployment_name": "mine"}, format="json")
    assert again.status_code == 400
    assert "no deployment mine" in again.json()["error"]
    assert api.delete(at(engine)).status_code == 204


@pytest.mark.parametrize(
    "change",
    [{"project_id": "ms-nope"}, {"training_id": "tr-" + "0" * 22}, {"checkpoint": 7}, {"checkpoint": None}],
)
def test_deploy_with_a_bad_body(
    api: APIClient, engine: Engine, body: dict[str, Any], change: dict[str, Any]
) -> None:
    assert api.post(at(engine, "deploy"), body | change, format="json").status_code == 400
    assert not Deployment.objects.exists()


def test_project_of_another_organization_cannot_be_named(
    other_api: APIClient, project: Project, body: dict[str, Any]
) -> None:
    created = other_api.post(URL, {"base_model": BASE}, format="json").json()
    response = other_api.post(f"{URL}/{created['id']}/deploy", body, format="json")
    assert response.status_code == 400
    assert "There is no project" in response.json()["error"]


# --- On, off, away --------------------------------------------------------------------------------


def test_deactivate_and_reactivate(api: APIClient, engine: Engine) -> None:
    early = api.post(at(engine, "deactivate"))
    assert (early.status_code, early.json()["code"]) == (400, "not_active")
    run_engine(engine)

    assert api.post(at(engine, "reactivate")).status_code == 400
    assert api.post(at(engine, "deactivate")).status_code == 204
    assert api.post(at(engine, "deactivate")).status_code == 400
    stop_engine(engine)
    assert api.get(at(engine)).json()["status"] == "Inactive"

    assert api.post(at(engine, "reactivate")).status_code == 204
    assert api.get(at(engine)).json()["status"] == "Creating"
    assert api.post(at(engine, "reactivate")).status_code == 400


def test_delete_stops_and_hides_it(api: APIClient, engine: Engine) -> None:
    run_engine(engine)
    assert api.delete(at(engine)).status_code == 204
    engine.refresh_from_db()
    assert engine.wanted == Wanted.INACTIVE
    assert api.get(at(engine)).status_code == 404
    assert api.delete(at(engine)).status_code == 404
    assert api.get(URL).json() == []


def test_others_missing_and_wrong_methods(
    api: APIClient,
    other_api: APIClient,
    anonymous_api: APIClient,
    engine: Engine,
    actor: Actor,
    body: dict[str, Any],
) -> None:
    for client, status in [(other_api, 404), (anonymous_api, 401)]:
        assert client.get(at(engine)).status_code == status
        assert client.delete(at(engine)).status_code == status
        assert client.post(at(engine, "reactivate")).status_code == status
        assert client.post(at(engine, "deactivate")).status_code == status
        assert client.post(at(engine, "deploy"), body, format="json").status_code == status
        assert client.post(at(engine, "undeploy"), {}, format="json").status_code == status
    assert anonymous_api.post(URL, {"base_model": BASE}, format="json").status_code == 401
    assert anonymous_api.get(URL).status_code == 401
    assert api.get(f"{URL}/engine-nope").status_code == 404
    assert api.put(at(engine), {}).status_code == 405
    assert api.get(at(engine, "deploy")).status_code == 405
    automatic = services.ensure_engine(base_model=BASE, task_type="text-generation")
    assert api.get(at(automatic)).status_code == 404
