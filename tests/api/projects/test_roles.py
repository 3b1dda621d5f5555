"""No key may more than the role of its user, over every address of /v1 that changes something."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects.models import Membership, Organization, Project, Role, User
from tests.conftest import client_for
from tests.factories.deployments import make_deployment
from tests.factories.people import give_role, key_of
from tests.factories.projects import make_member, make_project

WRITES = ("post", "put", "patch", "delete")
REFUSED = (403, "role_too_low")


@pytest.fixture
def organization(actor: Actor) -> Organization:
    return Organization.objects.get(pk=actor.organization_id)


@pytest.fixture
def member(organization: Organization) -> User:
    return make_member(organization, role=Role.MEMBER)


@pytest.fixture
def viewer(organization: Organization) -> User:
    return make_member(organization, role=Role.VIEWER)


def writers() -> list[tuple[str, str, bool]]:
    """Method, address with its placeholders, and whether the body names the project."""
    found = []
    for address, view in _views(get_resolver().url_patterns):
        if address.startswith("v1/"):
            asked = [method for method in WRITES if hasattr(view, method)]
            found += [(method, f"/{address}", getattr(view, "names_project", False)) for method in asked]
    assert len(found) > 30
    return found


def _views(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield prefix + str(pattern.pattern), getattr(pattern.callback, "view_class", None)


def outcome(client: APIClient, method: str, address: str, project: Project) -> tuple[int, str]:
    for kind in ("str", "path", "int"):
        address = address.replace(f"<{kind}:project_id>", project.public_id)
    while "<" in address:
        before, _, rest = address.partition("<")
        address = before + "1" + rest.partition(">")[2]
    answer = client.generic(method.upper(), address, "{}", content_type="application/json")
    return answer.status_code, code_of(answer.json()) if answer.status_code >= 400 else ""


def code_of(body: dict[str, Any]) -> str:
    """In each family's body."""
    if "error" in body and isinstance(body["error"], dict):
        return str(body["error"]["code"])
    return str(body.get("code") or body.get("title", "").lower().replace(" ", "_"))


def test_a_viewers_key_changes_nothing(viewer: User, organization: Organization, project: Project) -> None:
    client = client_for(key_of(viewer, organization))
    for method, address, _ in writers():
        assert outcome(client, method, address, project) == REFUSED, address
    assert client.get("/v1/projects").status_code == 200


def test_a_viewer_in_one_project_changes_nothing_there(
    member: User, organization: Organization, project: Project, actor: Actor
) -> None:
    give_role(member, project, Role.VIEWER)
    client, other = client_for(key_of(member, organization)), make_project(actor)
    for method, address, _ in writers():
        if "project_id" in address:
            assert outcome(client, method, address, project) == REFUSED, address
            assert outcome(client, method, address, other) != REFUSED, address


def test_a_member_in_one_project_alone_changes_nothing_elsewhere(
    viewer: User, organization: Organization, project: Project, actor: Actor
) -> None:
    give_role(viewer, project, Role.MEMBER)
    client, other = client_for(key_of(viewer, organization)), make_project(actor)
    for method, address, names_project in writers():
        if "project_id" in address:
            assert outcome(client, method, address, other) == REFUSED, address
            assert outcome(client, method, address, project) != REFUSED, address
        elif not names_project:
            assert outcome(client, method, address, project) == REFUSED, address


def test_owners_and_admins_keep_their_role_in_every_project(
    organization: Organization, project: Project
) -> None:
    admin = make_member(organization, role=Role.ADMIN)
    give_role(admin, project, Role.VIEWER)
    client = client_for(key_of(admin, organization))
    assert client.post(f"/v1/projects/{project.public_id}/datasets", {}).status_code == 400


def test_models_of_a_project_answer_its_viewers_not(
    member: User, organization: Organization, project: Project, actor: Actor
) -> None:
    deployment = make_deployment(project, actor=actor)
    give_role(member, project, Role.VIEWER)
    client = client_for(key_of(member, organization))
    body = {"model": deployment.public_id, "prompt": "hello"}
    answer = client.post("/v1/completions", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == REFUSED


def test_the_project_that_a_body_names_counts(
    member: User, organization: Organization, project: Project, actor: Actor
) -> None:
    give_role(member, project, Role.VIEWER)
    client = client_for(key_of(member, organization))
    engine = client.post("/v1/engines", {"base_model": "tiny-llama-instruct"}, format="json").json()
    body = {"project_id": project.public_id, "training_id": "tiny-llama-instruct", "checkpoint": 0}
    answer = client.post(f"/v1/engines/{engine['id']}/deploy", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == REFUSED
    other = {**body, "project_id": make_project(actor).public_id}
    deployed = client.post(f"/v1/engines/{engine['id']}/deploy", other, format="json")
    assert deployed.json().get("code") != "role_too_low"


def test_a_key_of_a_former_member_is_no_key(
    member: User, organization: Organization, project: Project
) -> None:
    client = client_for(key_of(member, organization))
    assert client.get("/v1/projects").status_code == 200
    Membership.objects.filter(user=member).delete()
    assert client.get("/v1/projects").status_code == 401
