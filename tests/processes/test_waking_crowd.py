"""Two hundred requests during one wake: one engine start, two hundred answers."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from django.db import connections

from embassy.deployments.models import Wake
from embassy.deployments.services import deactivate
from embassy.engines import services as engines
from embassy.engines.models import Engine
from embassy.engines.states import EngineStatus, Wanted
from embassy.projects import selectors
from tests.factories.deployments import BASE, make_deployment, stop_engine, up
from tests.factories.projects import make_key, make_organization
from tests.fakes.committed import committed_rows
from tests.processes.engine_host import EngineHost
from tests.processes.web_server import WebServer, start_web
from tests.waiting import wait_for

pytestmark = pytest.mark.processes

CROWD = 200


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Other processes read the rows, so there is no transaction around them."""
    with committed_rows(django_db_blocker):
        yield


@pytest.fixture
def db(committed: None) -> None:
    """Committed rows in place of a transaction; the name tells pytest-django to make the database."""


@pytest.fixture
def web(db: None) -> Iterator[WebServer]:
    with ExitStack() as stack:
        yield start_web(stack)


async def ask_all(url: str, key: str, model: str) -> list[tuple[int, str]]:
    limits = httpx.Limits(max_connections=CROWD)
    headers = {"X-API-Key": key, "X-Scale-Up-Timeout": "120"}
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=150) as client:

        async def ask(number: int) -> tuple[int, str]:
            messages = [{"role": "user", "content": f"question {number}"}]
            body = {"model": model, "messages": messages}
            response = await client.post("/v1/chat/completions", json=body)
            if response.status_code != 200:
                return response.status_code, response.text
            return 200, str(response.json()["choices"][0]["message"]["content"])

        return await asyncio.gather(*(ask(number) for number in range(CROWD)))


def test_a_crowd_wakes_one_engine(web: WebServer, host: EngineHost) -> None:
    key, plain = make_key(make_organization())
    actor = selectors.actor_of_key(key)
    deployment = up(make_deployment(actor=actor, name="crowded", reference=BASE, checkpoint=0))
    engine = deployment.engine
    deactivate(deployment=deployment, actor=actor)
    engines.want_inactive(engine=engine, reason="Nobody needs it.")
    stop_engine(engine)

    def supervise() -> None:
        """A worker that hears of the engine."""
        wait_for(lambda: Engine.objects.get(pk=engine.pk).wanted == Wanted.ACTIVE, "it is wanted")
        host.supervise(engine)
        connections.close_all()

    worker = threading.Thread(target=supervise)
    worker.start()
    answers = asyncio.run(ask_all(web.url, plain, "crowded"))
    worker.join()

    assert {status for status, _ in answers} == {200}, answers[:3]
    assert [text for _, text in answers] == [f"base: question {number}" for number in range(CROWD)]
    assert len(host.calls("start")) == 1
    assert Wake.objects.filter(deployment=deployment, cause="request").count() == 1
    assert Engine.objects.get(pk=engine.pk).status == EngineStatus.ACTIVE
