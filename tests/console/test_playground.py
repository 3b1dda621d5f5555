"""The playground: pages with panes, and the addresses behind them, to a stand-in engine."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient, Client

from embassy.deployments.models import Deployment
from embassy.engines import services as engines
from embassy.engines.models import Engine
from embassy.inference.models import Usage
from embassy.platform.actor import Actor
from embassy.projects.models import Organization, Project, Role
from tests.factories.deployments import make_deployment, run_engine, up
from tests.factories.projects import make_member
from tests.fakes.fake_engine import FakeEngine

BASE = "tiny-llama-instruct"
CHAT = [{"role": "user", "content": "Where is it?"}]


def test_offers_deployments_and_shared_models(
    member: Client, home: str, project: Project, actor: Actor
) -> None:
    deployment = make_deployment(project, actor=actor, name="tickets")
    page = member.get(f"{home}/playground?model=tickets&model={BASE}&model=nobody").content.decode()
    assert "tickets · text-generation · pending" in page
    assert f'<script id="pane-models" type="application/json">["{deployment.public_id}", "{BASE}"]' in page
    assert f'data-address="{home}/playground/ask"' in page


def test_without_a_deployment_it_says_what_to_do(member: Client, home: str) -> None:
    page = member.get(f"{home}/playground").content.decode()
    assert "Nothing is deployed in this project yet" in page
    assert "all-MiniLM-L6-v2" in page


def test_shared_models_need_no_project(member: Client, viewer: Client) -> None:
    page = member.get("/console/playground?model=all-MiniLM-L6-v2").content.decode()
    assert '["all-MiniLM-L6-v2"]' in page
    assert 'data-address="/console/playground/ask"' in page
    assert "play-form" not in viewer.get("/console/playground").content.decode()


def test_shows_others_nothing(member: Client, home: str) -> None:
    foreign = make_deployment(name="foreign")
    page = member.get(f"{home}/playground?model={foreign.public_id}").content.decode()
    assert "foreign" not in page
    answer = member.post(
        f"{home}/playground/ask",
        {"model": foreign.public_id, "messages": CHAT},
        content_type="application/json",
    )
    assert answer.status_code == 404


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture
def served(transactional_db: None, project: Project, actor: Actor, engine: FakeEngine) -> Deployment:
    deployment = up(make_deployment(project, actor=actor, name="tickets"))
    Engine.objects.update(port=engine.port)
    return deployment


@pytest.fixture
def asker(served: Deployment) -> AsyncClient:
    client = AsyncClient()
    client.force_login(make_member(Organization.objects.get(pk=served.organization_id), role=Role.MEMBER))
    return client


@pytest.fixture
async def _no_connection_is_left() -> AsyncIterator[None]:
    """Django's async client leaves one open in the thread where its synchronous parts run."""
    yield
    await sync_to_async(connections.close_all)()


async def text_of(answer: Any) -> str:
    if not answer.streaming:
        return str(answer.content.decode())
    return b"".join([part async for part in answer.streaming_content]).decode()


async def ask(asker: AsyncClient, served: Deployment, body: dict[str, Any]) -> tuple[int, str]:
    project = await Project.objects.aget(pk=served.project_id)
    address = f"/console/projects/{project.public_id}/playground/ask"
    answer = await asker.post(address, body, content_type="application/json")
    return answer.status_code, await text_of(answer)


@pytest.mark.usefixtures("_no_connection_is_left")
class TestAsking:
    pytestmark = pytest.mark.django_db(transaction=True)

    async def test_a_deployment_with_parameters(
        self, asker: AsyncClient, served: Deployment, engine: FakeEngine
    ) -> None:
        body = {
            "model": served.public_id,
            "messages": CHAT,
            "temperature": 0.5,
            "top_p": 0.9,
            "max_tokens": 7,
            "seed": 3,
            "stop": ["\n"],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": {"type": "object"}},
            },
            "n": 3,
        }
        status, text = await ask(asker, served, body)
        assert status == 200
        assert '"usage"' in text  # so that a page can tell tokens a second
        sent = engine.requests[0]
        assert [sent[name] for name in ("temperature", "top_p", "max_tokens", "seed")] == [0.5, 0.9, 7, 3]
        assert sent["response_format"]["type"] == "json_schema"
        assert "n" not in sent

    async def test_a_bare_prompt(self, asker: AsyncClient, served: Deployment, engine: FakeEngine) -> None:
        status, text = await ask(asker, served, {"model": served.public_id, "prompt": "Where?"})
        assert (status, text.rstrip().endswith("data: [DONE]")) == (200, True)
        assert engine.requests[0]["prompt"] == "<user>Where?<assistant>"

    async def test_a_head_answers_with_probabilities(
        self, asker: AsyncClient, served: Deployment, engine: FakeEngine
    ) -> None:
        labels = {"labels": ["low", "mid", "high"]}
        await Deployment.objects.filter(pk=served.pk).aupdate(task_type="classification", metadata=labels)
        status, text = await ask(asker, served, {"model": served.public_id, "input": "Where?"})
        assert status == 200, text
        probabilities = json.loads(text)["data"][0]["probs"]
        assert list(probabilities) == ["low", "mid", "high"]
        assert sum(probabilities.values()) == pytest.approx(1)

    async def test_a_shared_model_is_counted_for_the_organization(
        self, asker: AsyncClient, served: Deployment, engine: FakeEngine
    ) -> None:
        await sync_to_async(run_embedder)(engine.port)
        body = {"model": "all-MiniLM-L6-v2", "input": ["one", "other"]}
        status, text = await ask(asker, served, body)
        assert status == 200, text
        assert len(json.loads(text)["data"]) == 2
        usage = await Usage.objects.aget(model="all-MiniLM-L6-v2")
        assert (usage.organization_pk, usage.key_pk) == (served.organization_id, None)

    async def test_what_is_wrong_is_told(self, asker: AsyncClient, served: Deployment) -> None:
        for body, status, sentence in (
            ({"messages": CHAT}, 400, "Choose a model first"),
            ({"model": "Llama-3.1-8B-Instruct", "messages": CHAT}, 400, "Deploy it first"),
            ({"model": "nobody", "messages": CHAT}, 404, "no base model nobody"),
            ({"model": served.public_id, "messages": CHAT, "temperature": 9}, 400, "temperature"),
        ):
            found, text = await ask(asker, served, body)
            assert (found, sentence in json.loads(text)["error"]) == (status, True), text


def run_embedder(port: int) -> None:
    engine = engines.ensure_engine(base_model="all-MiniLM-L6-v2", task_type="embedding")
    run_engine(engine)
    Engine.objects.filter(pk=engine.pk).update(port=port)
    connections.close_all()
