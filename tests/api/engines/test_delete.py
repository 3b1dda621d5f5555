"""DELETE /v1/engines/{engine_id}."""

import pytest
from rest_framework.test import APIClient

from embassy.deployments import services
from embassy.engines.models import Engine
from embassy.engines.states import Wanted
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Organization, Project
from tests.api.engines.conftest import URL, At
from tests.api.guards import Operation, check_guards, key_for
from tests.conftest import client_for
from tests.factories.deployments import BASE, make_deployment, run_engine

pytestmark = pytest.mark.django_db


def test_it_stops_and_hides_it(api: APIClient, at: At, engine: Engine) -> None:
    run_engine(engine)
    assert api.delete(at()).status_code == 204
    engine.refresh_from_db()
    assert engine.wanted == Wanted.INACTIVE
    assert AuditEvent.objects.filter(verb="engine.deleted", subject=engine.public_id).count() == 1
    assert api.get(at()).status_code == 404
    assert api.delete(at()).status_code == 404
    assert api.get(URL).json() == []


def test_its_name_is_free_again(api: APIClient, at: At) -> None:
    api.delete(at())
    assert api.post(URL, {"name": "ours", "base_model": BASE}, format="json").status_code == 201


def test_not_while_something_is_on_it(
    api: APIClient, at: At, engine: Engine, actor: Actor, project: Project
) -> None:
    deployment = make_deployment(project, actor=actor, engine=engine)
    refused = api.delete(at())
    assert (refused.status_code, refused.json()["code"]) == (400, "has_deployments")
    assert "Undeploy" in refused.json()["error"]
    services.delete_deployment(deployment=deployment, actor=actor)
    assert api.delete(at()).status_code == 204


def test_guards(api: APIClient, at: At, organization: Organization, project: Project) -> None:
    operation = Operation("DELETE", at(), "engines:write", others=("GET", "PATCH"))
    check_guards(operation, organization, is_in_project=False)
    assert operation.status(client_for(key_for(project))) == (403, "project_key")
    assert api.delete(f"{URL}/engine-nope").status_code == 404
    assert Engine.objects.get().deleted_at is None
