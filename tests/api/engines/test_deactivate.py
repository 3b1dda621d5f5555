"""POST /v1/engines/{engine_id}/deactivate."""

import pytest
from rest_framework.test import APIClient

from embassy.deployments import services as deployments
from embassy.engines.models import Engine
from embassy.engines.states import Wanted
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Organization, Project
from tests.api.engines.conftest import URL, At
from tests.api.guards import Operation, check_guards, key_for
from tests.conftest import client_for
from tests.factories.deployments import make_deployment, run_engine, stop_engine, up

pytestmark = pytest.mark.django_db


def test_it_works(api: APIClient, at: At, engine: Engine) -> None:
    run_engine(engine)
    response = api.post(at("deactivate"))
    assert (response.status_code, response.content) == (204, b"")
    engine.refresh_from_db()
    assert (engine.wanted, engine.reason) == (Wanted.INACTIVE, "Deactivated by hand.")
    assert AuditEvent.objects.filter(verb="engine.deactivated", subject=engine.public_id).count() == 1
    stop_engine(engine)
    assert api.get(at()).json()["status"] == "Inactive"


def test_one_that_is_not_active(api: APIClient, at: At, engine: Engine) -> None:
    early = api.post(at("deactivate"))
    assert (early.status_code, early.json()["code"]) == (400, "not_active")
    run_engine(engine)
    assert api.post(at("deactivate")).status_code == 204
    again = api.post(at("deactivate"))  # it is stopping
    assert again.status_code == 400
    stop_engine(engine)
    assert "is Inactive" in api.post(at("deactivate")).json()["error"]


def test_its_deployments_sleep_at_once_and_do_not_call_it_back(
    api: APIClient, at: At, engine: Engine, actor: Actor, project: Project
) -> None:
    deployment = up(make_deployment(project, actor=actor, engine=engine))
    api.post(at("deactivate"))
    deployments.reconcile_engine(engine_pk=engine.pk)  # it still serves what it began
    deployment.refresh_from_db()
    engine.refresh_from_db()
    assert (deployment.status, engine.wanted) == ("Deactivated", Wanted.INACTIVE)


def test_guards(api: APIClient, at: At, engine: Engine, organization: Organization, project: Project) -> None:
    run_engine(engine)
    operation = Operation("POST", at("deactivate"), "engines:write")
    check_guards(operation, organization, is_in_project=False)
    assert operation.status(client_for(key_for(project))) == (403, "project_key")
    assert api.post(f"{URL}/engine-nope/deactivate").status_code == 404
    engine.refresh_from_db()
    assert engine.wanted == Wanted.ACTIVE
