"""PATCH /v1/engines/{engine_id}."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.deployments import services
from embassy.engines.models import Engine
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Organization, Project
from tests.api.engines.conftest import At
from tests.api.engines.test_create import IDLE, SCHEDULE
from tests.api.guards import Operation, check_guards, key_for
from tests.conftest import client_for
from tests.factories.deployments import BASE

pytestmark = pytest.mark.django_db


def test_it_works(api: APIClient, at: At, engine: Engine) -> None:
    response = api.patch(at(), {"name": "new", "resource_management_config": SCHEDULE}, format="json")
    assert response.status_code == 200, response.json()
    shown = response.json()
    assert (shown["name"], shown["resource_management_config"]) == ("new", SCHEDULE)
    assert api.get(at()).json() == shown
    assert AuditEvent.objects.filter(verb="engine.changed", subject=engine.public_id).count() == 1


def test_what_is_not_given_stays(api: APIClient, at: At) -> None:
    assert api.patch(at(), {"resource_management_config": IDLE}, format="json").json()["name"] == "ours"
    shown = api.patch(at(), {"name": "new"}, format="json").json()
    assert shown["resource_management_config"] == IDLE
    assert api.patch(at(), {}, format="json").json() == shown


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"resource_management_config": {"management_type": "never"}}, "management_type"),
        (
            {"resource_management_config": {"management_type": "schedule", "management_config": {}}},
            "schedule.start_time",
        ),
    ],
)
def test_bad_body(api: APIClient, at: At, engine: Engine, change: dict[str, Any], said: str) -> None:
    response = api.patch(at(), change, format="json")
    assert response.status_code == 400
    assert said in response.json()["error"]
    assert Engine.objects.get().name == "ours"


def test_taken_name(api: APIClient, at: At, actor: Actor) -> None:
    services.create_engine(
        base_model=BASE, name="theirs", task_type=None, resource_management=None, actor=actor
    )
    response = api.patch(at(), {"name": "theirs"}, format="json")
    assert (response.status_code, response.json()["code"]) == (400, "name_taken")


def test_guards(at: At, organization: Organization, project: Project) -> None:
    operation = Operation("PATCH", at(), "engines:write", others=("GET", "DELETE"))
    check_guards(operation, organization, is_in_project=False)
    assert operation.status(client_for(key_for(project))) == (403, "project_key")
