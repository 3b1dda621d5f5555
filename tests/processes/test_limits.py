"""Limits of one key at two web processes on one Redis."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from django.conf import settings
from redis import Redis

from embassy.engines.models import Engine
from embassy.platform import notify
from embassy.projects import selectors
from embassy.projects.models import ApiKey
from tests.factories.deployments import make_deployment, up
from tests.factories.projects import make_key, make_organization
from tests.fakes.committed import committed_rows
from tests.fakes.fake_engine import USAGE, FakeEngine
from tests.processes.web_server import WebServer, start_web
from tests.waiting import wait_for

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with committed_rows(django_db_blocker):
        yield


@pytest.fixture
def db(committed: None) -> None:
    """Committed rows in place of a transaction; the name tells pytest-django to make the database."""


@pytest.fixture(scope="module")
def webs(committed: None) -> Iterator[tuple[WebServer, WebServer]]:
    with ExitStack() as stack:
        yield start_web(stack), start_web(stack)


@pytest.fixture(scope="module")
def model(committed: None) -> Iterator[str]:
    """A base model would do, were it not for its engine."""
    with FakeEngine() as engine:
        key, _ = make_key(make_organization())
        row = up(make_deployment(actor=selectors.actor_of_key(key), name="limited"))
        Engine.objects.filter(pk=row.engine_id).update(host="127.0.0.1", port=engine.port)
        notify.nudge(notify.ROUTES)
        yield row.public_id


def ask(web: WebServer, plain: str, model: str) -> httpx.Response:
    body = {"model": model, "prompt": "Hello"}
    return httpx.post(f"{web.url}/v1/completions", json=body, headers={"X-API-Key": plain}, timeout=30)


def limited_key(**limits: int) -> tuple[ApiKey, str]:
    return make_key(ApiKey.objects.earliest("id").organization, **limits)


def spent_everywhere(webs: tuple[WebServer, WebServer], plain: str, model: str) -> tuple[int, list[int]]:
    """Ask the one until it refuses, then the other: how many were let in, and how long each makes wait then.

    The other may let some in before it hears of the first.
    """
    count = 0
    for web in webs:
        while ask(web, plain, model).status_code == 200:
            count += 1
    return count, [int(ask(web, plain, model).headers["retry-after"]) for web in webs]


def test_requests_are_counted_together(db: None, webs: tuple[WebServer, WebServer], model: str) -> None:
    _, plain = limited_key(requests_per_minute=1)
    count, _ = spent_everywhere(webs, plain, model)

    # Each request takes a minute to leak out: more than one of them must be waited for, at both.
    def waits() -> list[int]:
        return [int(ask(web, plain, model).headers["retry-after"]) for web in webs]

    assert 1 <= count <= 2
    wait_for(lambda: min(waits()) > 60 * (count - 1), "both know of all")


def test_a_debt_of_tokens_is_everybodys(db: None, webs: tuple[WebServer, WebServer], model: str) -> None:
    key, plain = limited_key(tokens_per_minute=1)
    count, _ = spent_everywhere(webs, plain, model)
    debt = count * USAGE["total_tokens"] * 60  # seconds

    def backlog() -> float:
        answer = ask(webs[1], plain, model)
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        return float(answer.headers["retry-after"])

    wait_for(lambda: backlog() > debt - 120, "the other knows of the whole debt")
    assert 0 < Redis.from_url(settings.REDIS_URL).ttl(f"embassy:limit:{key.pk}:tokens") <= debt
