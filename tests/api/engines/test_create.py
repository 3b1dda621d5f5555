"""POST /v1/engines."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.engines import services
from embassy.engines.models import Engine
from embassy.engines.states import Wanted
from embassy.projects.models import AuditEvent, Organization, Project
from tests.api.engines.conftest import URL
from tests.api.guards import key_for
from tests.conftest import client_for
from tests.factories.deployments import BASE
from tests.factories.projects import make_key

pytestmark = pytest.mark.django_db

IDLE = {"management_type": "inactive_timeout", "management_config": {"inactive_duration": 600}}
HOURS = {
    "timezone": "Europe/Berlin",
    "start_time": "22:00",
    "end_time": "06:00",
    "days": ["monday", "friday"],
}
SCHEDULE = {"management_type": "schedule", "management_config": HOURS}


def managed(kind: str, **config: Any) -> dict[str, Any]:
    return {"resource_management_config": {"management_type": kind, "management_config": config}}


def test_it_works(api: APIClient) -> None:
    asked = {
        "name": "ours",
        "base_model": BASE,
        "task_type": "text-generation",
        "resource_management_config": IDLE,
    }
    response = api.post(URL, asked, format="json")
    assert response.status_code == 201, response.json()
    shown = response.json()
    assert shown.pop("id").startswith("engine-")
    assert isinstance(shown.pop("created_at"), int)
    assert shown.pop("reason")
    assert shown == {
        "name": "ours",
        "status": "Creating",
        "base_model": BASE,
        "server_type": "on-demand",
        "task_type": "text-generation",
        "deployment_counts": 0,
    }
    engine = Engine.objects.get()
    assert (engine.wanted, engine.automatic, engine.resource_management) == (Wanted.ACTIVE, False, IDLE)
    assert AuditEvent.objects.filter(verb="engine.created", subject=engine.public_id).count() == 1


def test_a_schedule_past_midnight(api: APIClient) -> None:
    response = api.post(URL, {"base_model": BASE, "resource_management_config": SCHEDULE}, format="json")
    assert response.status_code == 201
    shown = api.get(f"{URL}/{response.json()['id']}").json()
    assert shown["resource_management_config"] == SCHEDULE


@pytest.mark.parametrize("nothing", [{}, {"name": None}, {"name": ""}, {"resource_management_config": None}])
def test_only_the_base_model_is_needed(api: APIClient, nothing: dict[str, Any]) -> None:
    response = api.post(URL, {"base_model": BASE} | nothing, format="json")
    assert response.status_code == 201
    assert response.json()["name"].startswith("engine-")
    assert response.json()["task_type"] == "text-generation"
    assert Engine.objects.get().resource_management["management_type"] == "inactive_timeout"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"base_model": "nope"}, "base_model: There is no base model nope"),
        ({"base_model": None}, "base_model"),
        ({"base_model": ["x"]}, "base_model"),
        ({"name": "x" * 121}, "name"),
        ({"task_type": "embedding"}, "does not do embedding"),
        ({"task_type": "painting"}, "does not do painting"),
        ({"resource_management_config": {"management_type": "never"}}, "management_type"),
        ({"resource_management_config": {}}, "management_type"),
        ({"resource_management_config": "never"}, "management_type"),
        (managed("inactive_timeout", inactive_duration=1), "inactive timeout"),
        (managed("inactive_timeout", inactive_duration="soon"), "inactive_duration"),
        (managed("inactive_timeout", inactive_duration=10**12), "inactive timeout"),
        (managed("schedule"), "schedule.start_time"),
        (managed("schedule", **HOURS | {"timezone": "Nowhere"}), "time zone"),
        (managed("schedule", **HOURS | {"start_time": "24:00"}), "schedule.start_time"),
        (managed("schedule", **HOURS | {"end_time": None}), "end_time"),
        (managed("schedule", **HOURS | {"days": []}), "schedule.days"),
        (managed("schedule", **HOURS | {"days": ["Caturday"]}), "days"),
    ],
)
def test_bad_body(api: APIClient, change: dict[str, Any], said: str) -> None:
    response = api.post(URL, {"base_model": BASE} | change, format="json")
    assert response.status_code == 400
    assert said in response.json()["error"]
    assert not Engine.objects.exists()


def test_taken_name(api: APIClient, other_api: APIClient) -> None:
    asked = {"name": "ours", "base_model": BASE}
    assert api.post(URL, asked, format="json").status_code == 201
    response = api.post(URL, asked, format="json")
    assert (response.status_code, response.json()["code"]) == (400, "name_taken")
    assert other_api.post(URL, asked, format="json").status_code == 201


def test_it_is_the_organizations_own(api: APIClient) -> None:
    shared = services.ensure_engine(base_model=BASE, task_type="text-generation")
    response = api.post(URL, {"base_model": BASE}, format="json")
    assert response.json()["id"] != shared.public_id


def test_keys_that_may_not(anonymous_api: APIClient, organization: Organization, project: Project) -> None:
    asked = {"base_model": BASE}
    assert anonymous_api.post(URL, asked, format="json").status_code == 401
    looker = client_for(make_key(organization, scopes=("engines:read",))[1])
    assert looker.post(URL, asked, format="json").json()["code"] == "missing_scope"
    limited = client_for(key_for(project)).post(URL, asked, format="json")
    assert (limited.status_code, limited.json()["code"]) == (403, "project_key")
    assert not Engine.objects.exists()
