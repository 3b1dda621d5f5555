"""PATCH /v1/projects/{project_id}/deployments/{deployment_id}: its name and the rules by which it sleeps."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.deployments import reconcile, services
from embassy.deployments.models import Deployment
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Project
from tests.api.guards import Operation, check_guards
from tests.factories.deployments import BASE, ago, make_deployment, up

pytestmark = pytest.mark.django_db

ALWAYS = {
    "timezone": "UTC",
    "start_time": "00:00",
    "end_time": "00:00",
    "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
}


def test_it_works(api: APIClient, url: str, deployment: Deployment) -> None:
    change = {"name": "new", "description": "Better.", "inactive_timeout": 600, "schedule": ALWAYS}
    response = api.patch(url, change, format="json")
    assert response.status_code == 200, response.json()
    shown = response.json()
    assert shown | change == shown
    assert api.get(url).json() | {"updated_at": 0} == shown | {"updated_at": 0}
    assert AuditEvent.objects.filter(verb="deployment.changed", subject=deployment.public_id).count() == 1
    deployment.refresh_from_db()
    assert deployment.upstream_model == deployment.public_id  # the engine knows it by no other name


def test_what_is_not_given_stays(api: APIClient, url: str) -> None:
    api.patch(url, {"schedule": ALWAYS}, format="json")
    shown = api.patch(url, {"inactive_timeout": 700}, format="json").json()
    assert (shown["schedule"], shown["name"], shown["description"]) == (ALWAYS, "mine", "Ours.")
    assert api.patch(url, {"schedule": None}, format="json").json()["schedule"] is None


def test_new_rules_hold_at_once(api: APIClient, url: str, deployment: Deployment) -> None:
    up(deployment)
    Deployment.objects.update(woken_at=ago(700))
    reconcile.apply_schedules()
    assert api.get(url).json()["status"] == "Deployed"
    api.patch(url, {"inactive_timeout": 600}, format="json")
    reconcile.apply_schedules()
    assert api.get(url).json()["status"] == "Deactivated"
    api.patch(url, {"schedule": ALWAYS}, format="json")
    reconcile.apply_schedules()
    assert api.get(url).json()["status"] == "Reactivating"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": BASE}, "something else"),
        ({"name": "x" * 121}, "name"),
        ({"inactive_timeout": 1}, "inactive timeout"),
        ({"inactive_timeout": None}, "inactive_timeout"),
        ({"inactive_timeout": "soon"}, "inactive_timeout"),
        ({"schedule": {}}, "schedule.start_time"),
        ({"schedule": ALWAYS | {"timezone": "Mars"}}, "schedule.timezone"),
        ({"schedule": "always"}, "schedule"),
    ],
)
def test_bad_body(api: APIClient, url: str, change: dict[str, Any], said: str) -> None:
    before = api.get(url).json()
    response = api.patch(url, change, format="json")
    assert response.status_code == 400
    assert said in response.json()["error"]
    assert api.get(url).json() == before


def test_taken_name(api: APIClient, url: str, actor: Actor, project: Project) -> None:
    make_deployment(project, actor=actor, name="theirs")
    response = api.patch(url, {"name": "theirs"}, format="json")
    assert (response.status_code, response.json()["code"]) == (400, "name_taken")
    assert api.get(url).json()["name"] == "mine"


def test_on_an_own_engine_the_engines_rules_hold(api: APIClient, actor: Actor, project: Project) -> None:
    engine = services.create_engine(
        base_model=BASE, name="ours", task_type=None, resource_management=None, actor=actor
    )
    row = make_deployment(project, actor=actor, engine=engine)
    address = f"/v1/projects/{project.public_id}/deployments/{row.public_id}"
    refused = api.patch(address, {"inactive_timeout": 600}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (400, "led_by_engine")
    assert engine.public_id in refused.json()["error"]
    assert api.patch(address, {"description": "x"}, format="json").status_code == 200


def test_guards(api: APIClient, url: str, project: Project) -> None:
    operation = Operation("PATCH", url, "deployments:write", {"name": "x"}, others=("GET", "DELETE"))
    check_guards(operation, project.organization)
    missing = f"/v1/projects/{project.public_id}/deployments/dp-nope"
    assert api.patch(missing, {"name": "x"}, format="json").status_code == 404
