"""GET and POST /v1/projects."""

import pytest
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Project
from tests.conftest import client_for
from tests.factories.projects import make_key, make_project

pytestmark = pytest.mark.django_db
URL = "/v1/projects"


def test_created_project_is_returned_and_listed(api: APIClient) -> None:
    created = api.post(URL, {"name": "support"}, format="json")

    assert created.status_code == 201
    assert created.json()["id"].startswith("ms-")
    assert len(created.json()["id"]) == len("ms-") + 22
    assert api.get(URL).json() == [{"id": created.json()["id"], "name": "support"}]


def test_name_is_optional(api: APIClient) -> None:
    assert api.post(URL).json()["name"].startswith("project-")


def test_creation_is_audited(api: APIClient, actor: Actor) -> None:
    created = api.post(URL, {"name": "support"}, format="json").json()

    event = AuditEvent.objects.get(verb="project.created")
    assert (event.verb, event.subject, event.user_id) == ("project.created", created["id"], actor.user_id)
    assert event.key_prefix


def test_other_organizations_projects_are_not_listed(other_api: APIClient, project: Project) -> None:
    assert other_api.get(URL).json() == []


def test_key_limited_to_projects_sees_only_those(actor: Actor, project: Project) -> None:
    make_project(actor, name="another")
    organization = project.organization
    _, plain = make_key(organization, projects=[project])

    assert [row["id"] for row in client_for(plain).get(URL).json()] == [project.public_id]


@pytest.mark.parametrize("body", ['{"name": ', "[1]", '{"name": {"a": 1}}'])
def test_bad_body_is_400_and_creates_nothing(api: APIClient, body: str) -> None:
    answer = api.post(URL, body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["status"] == 400
    assert answer.json()["error"]
    assert not Project.objects.exists()


def test_too_long_a_name_is_named(api: APIClient) -> None:
    answer = api.post(URL, {"name": "x" * 121}, format="json")

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("name: ")
    assert answer.json()["code"] == "invalid_input"


def test_wrong_method_is_405_in_the_familys_body(api: APIClient) -> None:
    answer = api.patch(URL)

    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


def test_every_answer_has_a_request_id(api: APIClient) -> None:
    assert api.get(URL)["X-Request-Id"].startswith("rq-")
    assert api.get(URL, HTTP_X_REQUEST_ID="mine-1")["X-Request-Id"] == "mine-1"
    assert "\n" not in api.get(URL, HTTP_X_REQUEST_ID="a b\tc")["X-Request-Id"]


def test_unknown_address_is_json(api: APIClient) -> None:
    answer = api.get("/v1/nothing-here")

    assert answer.status_code == 404
    assert answer.json()["code"] == "no_such_address"
