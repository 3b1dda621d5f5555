"""GET /v1/hosts, and where engines and deployments say that they wait for a host."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from rest_framework.test import APIClient

from embassy.deployments import selectors, services
from embassy.engines import queue
from embassy.engines import services as engines
from embassy.engines.models import Engine, Host
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from tests.conftest import client_for
from tests.factories.deployments import BASE, ago, make_deployment, make_job, run_engine
from tests.factories.hosts import bytes_of, make_host
from tests.factories.projects import make_key, make_organization

pytestmark = pytest.mark.django_db
URL = "/v1/hosts"
GPUS = [{"index": 0, "name": "H200", "memory_bytes": 140 * 1000**3}]


def hosts(api: APIClient) -> list[dict[str, Any]]:
    response = api.get(URL)
    assert response.status_code == 200
    body: list[dict[str, Any]] = response.json()
    return body


def test_host_with_an_engine(api: APIClient) -> None:
    make_host("other", gigabytes=1, seen_at=ago(3600))
    make_host(gigabytes=8)
    engine = run_engine(engines.ensure_engine(base_model=BASE, task_type="text-generation"))

    other, here = sorted(hosts(api), key=lambda host: host["status"], reverse=True)
    assert (other["name"], other["status"], other["engines"]) == ("other", "lost", [])
    assert (here["name"], here["status"], here["slots"], here["slots_used"]) == (
        settings.HOST_NAME,
        "alive",
        16,
        1,
    )
    assert here["memory_bytes"] == 8 * 1000**3
    assert here["memory_used_bytes"] == bytes_of(engine)
    assert here["memory_free_bytes"] == here["memory_bytes"] - here["memory_used_bytes"]
    assert here["engines"][0]["id"] == engine.public_id
    assert here["engines"][0]["memory_bytes"] == bytes_of(engine)
    assert (here["other_engines"], here["training_jobs"], here["gpus"]) == (0, [], [])


def test_gpus_with_what_is_taken_of_them(api: APIClient) -> None:
    make_host(gpus=GPUS)
    engine = run_engine(engines.ensure_engine(base_model=BASE, task_type="text-generation"))
    (gpu,) = hosts(api)[0]["gpus"]
    assert gpu["memory_used_bytes"] == engine.need_bytes
    assert gpu["memory_free_bytes"] == GPUS[0]["memory_bytes"] - gpu["memory_used_bytes"]  # type: ignore[operator]


def test_engines_and_jobs_of_others_are_only_counted(
    api: APIClient, other_api: APIClient, actor: Actor, project: Project
) -> None:
    make_host()
    own = services.create_engine(
        base_model=BASE, name="ours", task_type=None, resource_management=None, actor=actor
    )
    run_engine(own)
    job = make_job(project)
    TrainingJob.objects.filter(pk=job.pk).update(
        lease_owner=f"{settings.HOST_NAME}:1", lease_until=timezone.now() + timedelta(hours=1)
    )

    (mine,) = hosts(api)
    assert [engine["id"] for engine in mine["engines"]] == [own.public_id]
    assert mine["training_jobs"] == [{"id": job.public_id, "name": job.name, "project_id": project.public_id}]
    (theirs,) = hosts(other_api)
    assert (theirs["engines"], theirs["other_engines"]) == ([], 1)
    assert (theirs["training_jobs"], theirs["other_training_jobs"]) == ([], 1)
    assert theirs["memory_used_bytes"] == mine["memory_used_bytes"] > 0


def test_key_needs_the_scope(anonymous_api: APIClient) -> None:
    assert anonymous_api.get(URL).status_code == 401
    key = make_key(make_organization(), scopes=["datasets:read"])[1]
    assert client_for(key).get(URL).status_code == 403
    assert client_for(make_key(make_organization(), scopes=["engines:read"])[1]).get(URL).status_code == 200


def test_wrong_method(api: APIClient) -> None:
    assert api.post(URL).status_code == 405


# --- Waiting for a host ---------------------------------------------------------------------------


@pytest.fixture
def deployment_url(api: APIClient, actor: Actor, project: Project) -> str:
    deployment = make_deployment(project, actor=actor)
    return f"/v1/projects/{project.public_id}/deployments/{deployment.public_id}"


def test_deployment_says_its_place_in_the_queue_and_so_does_its_route(
    api: APIClient, actor: Actor, project: Project, deployment_url: str
) -> None:
    taken = run_engine(engines.ensure_engine(base_model=BASE, task_type="classification"))
    make_host(gigabytes=bytes_of(taken) * 1.5 / 1000**3)
    Engine.objects.filter(pk=taken.pk).update(need_bytes=bytes_of(taken))
    queue.advance()
    services.reconcile_engine(engine_pk=Engine.objects.exclude(pk=taken.pk).get().pk)

    shown = api.get(deployment_url).json()
    assert shown["queue_position"] == 1
    assert shown["reason"].startswith("1st in the queue: needs 0.3 GB, host ")
    (route,) = (route for route in selectors.routes() if route.deployment_pk)
    assert route.state == "starting"
    assert route.reason == shown["reason"]

    Host.objects.update(memory_bytes=12 * 1000**3)
    queue.advance()
    assert api.get(deployment_url).json()["queue_position"] is None


def test_engine_says_its_place_in_the_queue(api: APIClient) -> None:
    make_host(slots=1)
    run_engine(engines.ensure_engine(base_model=BASE, task_type="text-generation"))
    created = api.post("/v1/engines", {"name": "ours", "base_model": BASE}, format="json").json()
    queue.advance()
    shown = api.get(f"/v1/engines/{created['id']}").json()
    assert shown["queue_position"] == 1
    assert "EMBASSY_ENGINE_SLOTS" in shown["reason"]


def test_deployment_that_fits_nowhere_fails_with_the_reason(api: APIClient, deployment_url: str) -> None:
    make_host(gigabytes=0.1)
    queue.advance()
    services.reconcile_engine(engine_pk=Engine.objects.get().pk)
    shown = api.get(deployment_url).json()
    assert shown["status"] == "Failed"
    assert "It needs 0.3 GB of memory; the largest host" in shown["reason"]
