"""POST /v1/engines/{engine_id}/reactivate."""

import pytest
from rest_framework.test import APIClient

from embassy.deployments import services as deployments
from embassy.engines import services
from embassy.engines.models import Engine
from embassy.engines.states import Wanted
from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Organization, Project
from tests.api.engines.conftest import URL, At
from tests.api.guards import Operation, check_guards, key_for
from tests.conftest import client_for
from tests.factories.deployments import make_deployment, run_engine, stop_engine, up

pytestmark = pytest.mark.django_db


@pytest.fixture
def asleep(engine: Engine, actor: Actor) -> Engine:
    run_engine(engine)
    engine.refresh_from_db()
    services.deactivate(engine=engine, actor=actor)
    stop_engine(engine)
    return engine


def test_it_works(api: APIClient, at: At, asleep: Engine) -> None:
    assert api.get(at()).json()["status"] == "Inactive"
    response = api.post(at("reactivate"))
    assert (response.status_code, response.content) == (204, b"")
    assert api.get(at()).json()["status"] == "Creating"
    asleep.refresh_from_db()
    assert asleep.wanted == Wanted.ACTIVE
    assert AuditEvent.objects.filter(verb="engine.reactivated", subject=asleep.public_id).count() == 1


def test_one_that_is_up_or_on_its_way(api: APIClient, at: At, engine: Engine) -> None:
    starting = api.post(at("reactivate"))
    assert (starting.status_code, starting.json()["code"]) == (400, "already_active")
    run_engine(engine)
    running = api.post(at("reactivate"))
    assert running.status_code == 400
    assert "is Active already" in running.json()["error"]


def test_its_deployments_come_back_with_it(
    api: APIClient, at: At, engine: Engine, actor: Actor, project: Project
) -> None:
    deployment = up(make_deployment(project, actor=actor, engine=engine))
    api.post(at("deactivate"))
    stop_engine(engine)
    deployments.reconcile_engine(engine_pk=engine.pk)
    deployment.refresh_from_db()
    assert deployment.status == "Deactivated"

    api.post(at("reactivate"))
    deployments.reconcile_engine(engine_pk=engine.pk)
    assert up(deployment).status == "Deployed"


def test_guards(api: APIClient, at: At, asleep: Engine, organization: Organization, project: Project) -> None:
    operation = Operation("POST", at("reactivate"), "engines:write")
    check_guards(operation, organization, is_in_project=False)
    assert operation.status(client_for(key_for(project))) == (403, "project_key")
    assert api.post(f"{URL}/engine-nope/reactivate").status_code == 404
