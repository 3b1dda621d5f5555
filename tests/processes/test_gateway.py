"""The gateway as production runs it: a web process, real rows, real engines' deaths."""

import itertools
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import openai
import pytest
from django.db import connections

from embassy.deployments import services as deployments
from embassy.deployments.models import Deployment
from embassy.engines.models import Engine
from embassy.platform import notify
from embassy.projects import selectors, services
from tests.factories.deployments import make_deployment, stop_engine, up
from tests.factories.projects import make_key, make_organization
from tests.fakes.committed import committed_rows
from tests.fakes.fake_engine import WORDS, FakeEngine
from tests.processes.web_server import ROOT, WebServer, start_web
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.processes

HEAVY = ("torch", "transformers", "vllm", "trl", "peft", "sklearn")
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Another process reads the rows, so there is no transaction around them."""
    with committed_rows(django_db_blocker):
        yield


@pytest.fixture
def db(committed: None) -> None:
    """Committed rows in place of a transaction; the name tells pytest-django to make the database."""


@pytest.fixture(scope="module")
def web(committed: None) -> Iterator[WebServer]:
    with ExitStack() as stack:
        yield start_web(stack)


@pytest.fixture
def engine(db: None) -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


class Tenant:
    """An organization with a key and one deployment, which is up on the stand-in."""

    def __init__(self, web: WebServer, port: int) -> None:
        self.key, self.plain = make_key(make_organization())
        self.actor = selectors.actor_of_key(self.key)
        self.web = web
        self.deployment = up(make_deployment(actor=self.actor, name=f"support-{next(_numbers)}"))
        self.move(port)

    def move(self, port: int) -> None:
        Engine.objects.filter(pk=self.deployment.engine_id).update(host="127.0.0.1", port=port)
        notify.nudge(notify.ROUTES)

    def client(self, key: str | None = None) -> httpx.Client:
        headers = {"X-API-Key": key or self.plain}
        return httpx.Client(base_url=self.web.url, headers=headers, timeout=30)

    def ask(self, model: str | None = None, **fields: Any) -> httpx.Response:
        body = {"model": model or self.deployment.name, "prompt": "Hello", **fields}
        with self.client() as client:
            return client.post("/v1/completions", json=body)


@pytest.fixture
def tenant(web: WebServer, engine: FakeEngine) -> Tenant:
    Deployment.objects.all().delete()
    Engine.objects.all().delete()
    return Tenant(web, engine.port)


def test_importing_the_server_loads_nothing_heavy() -> None:
    script = f"import sys, embassy.asgi; print([name for name in {HEAVY} if name in sys.modules])"

    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True, text=True
    )

    assert found.stdout.strip() == "[]"


def test_everything_else_goes_to_django(tenant: Tenant) -> None:
    with tenant.client() as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        checks = client.get("/readyz").json()["checks"]
        assert checks == {"database": "ok", "migrations": "ok", "redis": "ok"}
        assert client.get("/v1/projects").status_code == 200
        assert client.get("/v1/completions").status_code == 405
        assert client.put("/v1/chat/completions").status_code == 405
        assert client.get("/v1/nothing").json()["code"] == "no_such_address"
        assert client.get("/files/not-a-token").status_code in (403, 404)


def test_a_deployment_answers_to_its_name_and_id(tenant: Tenant, engine: FakeEngine) -> None:
    for name in (tenant.deployment.name, tenant.deployment.public_id):
        response = tenant.ask(name)
        assert response.status_code == 200
        assert response.json()["model"] == name
    assert engine.requests[0]["prompt"] == "<user>Hello<assistant>"


def test_other_tenants_do_not_see_it(tenant: Tenant) -> None:
    _, stranger = make_key()

    with tenant.client(stranger) as client:
        response = client.post(
            "/v1/completions", json={"model": tenant.deployment.public_id, "prompt": "Hello"}
        )

    assert response.status_code == 404


def test_the_openai_client_works_unchanged(tenant: Tenant) -> None:
    client = openai.OpenAI(base_url=f"{tenant.web.url}/v1", api_key=tenant.plain, max_retries=0)
    chat: Any = {"model": tenant.deployment.name, "messages": [{"role": "user", "content": "Hello"}]}

    answer = client.chat.completions.create(**chat)
    pieces = [chunk.choices[0].delta.content for chunk in client.chat.completions.create(**chat, stream=True)]

    assert answer.choices[0].message.content == "".join(WORDS)
    assert tuple(pieces) == WORDS
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="nobody", prompt="Hello")


def test_use_keeps_it_awake(tenant: Tenant) -> None:
    assert tenant.ask().status_code == 200

    rows = Deployment.objects.filter(pk=tenant.deployment.pk)
    wait_for(lambda: rows.get().last_used_at is not None, "the use is noted")


def test_twenty_requests_wake_a_sleeping_deployment_once(tenant: Tenant, engine: FakeEngine) -> None:
    deployment = tenant.deployment
    deployments.deactivate(deployment=deployment, actor=tenant.actor)
    stop_engine(deployment.engine)

    def bring_up() -> None:
        wait_for(lambda: Deployment.objects.get(pk=deployment.pk).status != "Deactivated", "it is woken")
        up(Deployment.objects.get(pk=deployment.pk))
        tenant.move(engine.port)
        connections.close_all()

    supervisor = threading.Thread(target=bring_up)
    supervisor.start()
    with ThreadPoolExecutor(20) as threads:
        statuses = list(threads.map(lambda _: tenant.ask().status_code, range(20)))
    supervisor.join(60)

    assert statuses == [200] * 20


def test_a_revoked_key_is_refused_at_once(tenant: Tenant) -> None:
    row, plain = make_key(tenant.key.organization)
    with tenant.client(plain) as client:
        body = {"model": tenant.deployment.name, "prompt": "Hello"}
        assert client.post("/v1/completions", json=body).status_code == 200

        services.revoke_api_key(key=row, actor=selectors.actor_of_key(row))

        wait_for(lambda: client.post("/v1/completions", json=body).status_code == 401, "it is refused")


def test_an_engine_that_is_killed_in_a_stream_is_told_by_an_event(tenant: Tenant, engine: FakeEngine) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.fake_engine", "pauses"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process, tenant.client() as client:
        assert process.stdout is not None
        tenant.move(int(process.stdout.readline()))
        wait_for(lambda: _asks_another(tenant, engine), "the route has moved")
        with client.stream("POST", "/v1/chat/completions", json=streamed_chat(tenant)) as response:
            events = (json.loads(line.removeprefix("data: ")) for line in response.iter_lines() if line)
            pieces = [next(events)["choices"][0]["delta"]["content"] for _ in range(2)]
            assert pieces == list(WORDS[:2])
            process.kill()
            assert [event["code"] for event in events] == ["engine_lost"]


def streamed_chat(tenant: Tenant) -> dict[str, Any]:
    message = {"role": "user", "content": "Hello"}
    return {"model": tenant.deployment.name, "messages": [message], "stream": True}


def _asks_another(tenant: Tenant, engine: FakeEngine) -> bool:
    before = len(engine.requests)
    assert tenant.ask().status_code == 200
    return len(engine.requests) == before


def test_a_stream_outlives_the_order_to_stop(tenant: Tenant, engine: FakeEngine) -> None:
    engine.manner = "pauses"
    with ExitStack() as stack:
        web = start_web(stack)
        headers, url = {"X-API-Key": tenant.plain}, f"{web.url}/v1/chat/completions"
        with httpx.stream("POST", url, json=streamed_chat(tenant), headers=headers) as response:
            lines = (line for line in response.iter_lines() if line)
            assert "Paris" in next(lines)
            web.process.send_signal(signal.SIGTERM)
            wait_for(lambda: not _listens(web.url), "it takes no more requests")
            engine.release.set()
            assert list(lines)[-1] == "data: [DONE]"
        assert web.process.wait(PATIENCE_S) in (0, -signal.SIGTERM)


def _listens(url: str) -> bool:
    try:
        httpx.get(f"{url}/healthz")
    except httpx.TransportError:
        return False
    return True


def test_a_killed_web_process_leaves_nothing_behind(tenant: Tenant, engine: FakeEngine) -> None:
    engine.manner = "slow"
    with ExitStack() as stack:
        web = start_web(stack)
        body = {"model": tenant.deployment.name, "prompt": "Hello"}
        headers = {"X-API-Key": tenant.plain}
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(httpx.post, f"{web.url}/v1/completions", json=body, headers=headers)
            assert engine.arrived.acquire(timeout=30)
            web.process.kill()
            assert isinstance(waiting.exception(30), httpx.TransportError)

    assert engine.cancelled.wait(10)
