"""The test chat: a session in place of a key, through the gateway's own handler, to a stand-in engine."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient, Client
from pytest_django import Settings

from embassy.deployments import services
from embassy.deployments.models import Deployment
from embassy.engines.models import Engine
from embassy.inference.models import RequestLog
from embassy.platform.actor import Actor
from embassy.projects.models import Organization, Project, Role
from tests.factories.deployments import load, make_deployment, up
from tests.factories.projects import make_member, make_organization
from tests.fakes.fake_engine import FakeEngine

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION = {"messages": [{"role": "user", "content": "Where is it?"}], "model": "another", "stream": False}


@pytest.fixture(autouse=True)
async def _no_connection_is_left() -> AsyncIterator[None]:
    """Django's async client leaves one open in the thread where its synchronous parts run."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture
def deployment(transactional_db: None, project: Project, actor: Actor, engine: FakeEngine) -> Deployment:
    deployment = up(make_deployment(project, actor=actor))
    Engine.objects.filter(pk=deployment.engine_id).update(port=engine.port)
    return deployment


@pytest.fixture
def address(deployment: Deployment) -> str:
    return f"/console/projects/{deployment.project.public_id}/deployments/{deployment.public_id}/chat"


def browser(deployment: Deployment, role: str) -> AsyncClient:
    client = AsyncClient()
    client.force_login(make_member(Organization.objects.get(pk=deployment.organization_id), role=role))
    return client


@pytest.fixture
def chatter(deployment: Deployment) -> AsyncClient:
    return browser(deployment, Role.MEMBER)


async def test_streams_the_answer(
    chatter: AsyncClient, address: str, engine: FakeEngine, deployment: Deployment
) -> None:
    answer = await chatter.post(address, QUESTION, content_type="application/json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    text = b"".join([part async for part in answer.streaming_content]).decode()
    assert text.rstrip().endswith("data: [DONE]")
    assert "Paris" in text
    assert engine.requests[0]["model"] == deployment.public_id
    assert engine.requests[0]["stream"] is True


async def test_a_chat_is_kept_where_requests_are(
    chatter: AsyncClient, address: str, deployment: Deployment
) -> None:
    await Deployment.objects.filter(pk=deployment.pk).aupdate(log_requests=True)

    answer = await chatter.post(address, QUESTION, content_type="application/json")
    async for _ in answer.streaming_content:
        pass

    log = await RequestLog.objects.aget(deployment=deployment)
    assert (log.input, log.output, log.key_pk) == ("Where is it?", "Paris is the capital.", None)


async def test_what_is_wrong_is_told(chatter: AsyncClient, address: str) -> None:
    for body, sentence in ((b"{", "not JSON"), (b"[]", "JSON object"), (b"{}", "messages")):
        answer = await chatter.generic("POST", address, body, content_type="application/json")
        assert answer.status_code == 400
        content = (
            b"".join([part async for part in answer.streaming_content])
            if answer.streaming
            else answer.content
        )
        assert sentence in json.loads(content)["error"]


async def test_a_model_that_is_not_up_in_time_is_told(
    chatter: AsyncClient, address: str, deployment: Deployment, settings: Settings
) -> None:
    settings.WAKE_TIMEOUT_SECONDS = 0
    await Engine.objects.filter(pk=deployment.engine_id).aupdate(status="Creating")
    answer = await chatter.post(address, QUESTION, content_type="application/json")
    assert answer.status_code == 503


async def test_wakes_a_sleeping_deployment_and_answers(
    chatter: AsyncClient, address: str, deployment: Deployment, actor: Actor
) -> None:
    await sync_to_async(services.deactivate)(deployment=deployment, actor=actor)
    asking = asyncio.create_task(chatter.post(address, QUESTION, content_type="application/json"))
    await sync_to_async(serve_once_woken, thread_sensitive=False)(deployment)
    answer = await asking
    assert answer.status_code == 200
    async for _ in answer.streaming_content:
        pass  # to the end: what is written down after it belongs to this test


def serve_once_woken(deployment: Deployment) -> None:
    """What the engine's supervisor does."""
    deadline = time.monotonic() + 20
    while deployment.status != "Reactivating":
        assert time.monotonic() < deadline
        time.sleep(0.02)
        deployment.refresh_from_db()
    assert deployment.adapter
    load(deployment.adapter)
    services.reconcile(deployment_pk=deployment.pk)
    connections.close_all()


def test_is_only_for_those_who_may(deployment: Deployment, address: str, engine: FakeEngine) -> None:
    own = Organization.objects.get(pk=deployment.organization_id)
    viewer, outsider = Client(), Client()
    viewer.force_login(make_member(own, role=Role.VIEWER))
    outsider.force_login(make_member(make_organization(), role=Role.OWNER))
    for status, client in ((401, Client()), (403, viewer), (404, outsider)):
        assert client.post(address, QUESTION, content_type="application/json").status_code == status
    assert engine.requests == []
