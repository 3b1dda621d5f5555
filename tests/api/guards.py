"""What every operation owes to everybody who may not use it."""

import json
from dataclasses import dataclass, field
from typing import Any

from rest_framework.test import APIClient

from embassy.projects.models import Organization, Project
from tests.conftest import client_for
from tests.factories.projects import make_actor, make_key, make_project

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Operation:
    """`scope` is what it asks of a key; `others` are the methods that its address knows besides."""

    method: str
    url: str
    scope: str
    body: dict[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    def ask(self, client: APIClient, *, method: str = "", url: str = "") -> Any:
        return client.generic(
            method or self.method, url or self.url, _json(self.body), content_type="application/json"
        )

    def status(self, client: APIClient) -> tuple[int, str]:
        """And the code of the error."""
        response = self.ask(client)
        return response.status_code, response.json()["code"]


def check_guards(operation: Operation, organization: Organization, *, is_in_project: bool = True) -> None:
    """Refused in the right way without a key, without its scope, to others, and by other methods."""
    assert operation.status(APIClient()) == (401, "unauthorized")
    assert operation.status(client_for(make_key()[1])) == (404, "object_not_found")
    _, plain = make_key(organization, scopes=("datasets:write", other_half(operation.scope)))
    assert operation.status(client_for(plain)) == (403, "missing_scope")
    _, plain = make_key(organization)
    for method in METHODS - {operation.method, *operation.others}:
        response = operation.ask(client_for(plain), method=method)
        assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed"), method
    if is_in_project:
        elsewhere = client_for(key_for_another_project(organization))
        assert operation.status(elsewhere) == (404, "object_not_found")


def key_for_another_project(organization: Organization) -> str:
    return make_key(organization, projects=[make_project(make_actor(organization))])[1]


def key_for(project: Project, *scopes: str) -> str:
    """Limited to this project."""
    limits = {"scopes": scopes} if scopes else {}
    return make_key(project.organization, projects=[project], **limits)[1]


def other_half(scope: str) -> str:
    """Who may look may not write."""
    area, _, verb = scope.partition(":")
    return f"{area}:read" if verb == "write" else "projects:read"


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body)
