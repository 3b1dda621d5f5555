"""Limits of a key at the gateway: what is told, what is refused, when it goes on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest
from pytest_django import Settings

from embassy.projects import selectors, services
from embassy.projects.models import ApiKey
from tests.factories.projects import make_key, make_organization
from tests.factories.routes import make_base_route
from tests.fakes.fake_engine import USAGE, FakeEngine
from tests.fakes.served_gateway import Offer, ServedGateway
from tests.waiting import wait_for

PROMPT: dict[str, Any] = {"model": "tiny", "prompt": "Hello"}


def ask(client: httpx.Client, key: str, **fields: Any) -> httpx.Response:
    return client.post("/v1/completions", json=PROMPT | fields, headers={"X-API-Key": key})


def limits_of(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("x-ratelimit")}


def test_without_a_limit_nothing_is_said(client: httpx.Client) -> None:
    _, plain = make_key()

    assert limits_of(ask(client, plain)) == {}


def test_requests_are_counted_and_told(client: httpx.Client) -> None:
    _, plain = make_key(requests_per_minute=3)

    left = [ask(client, plain).headers["x-ratelimit-remaining-requests"] for _ in range(3)]
    refused = ask(client, plain)

    assert left == ["2", "1", "0"]
    assert refused.status_code == 429
    assert refused.json() | {"status": 429, "code": "rate_limited"} == refused.json()
    assert "3 requests a minute" in refused.json()["error"]
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.headers["x-ratelimit-limit-requests"] == "3"
    assert refused.headers["x-request-id"]


def test_a_refused_request_costs_nothing(client: httpx.Client, engine: FakeEngine) -> None:
    _, plain = make_key(requests_per_minute=1)
    assert ask(client, plain).status_code == 200

    waits = {ask(client, plain).headers["retry-after"] for _ in range(5)}

    assert len(engine.requests) == 1
    assert max(map(int, waits)) <= 60


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_are_charged_after_the_answer(client: httpx.Client, stream: bool) -> None:
    _, plain = make_key(tokens_per_minute=2)

    chat = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}], "stream": stream}
    first = client.post("/v1/chat/completions", json=chat, headers={"X-API-Key": plain})
    refused = ask(client, plain)

    assert first.status_code == 200
    assert first.headers["x-ratelimit-remaining-tokens"] == "2"
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["x-ratelimit-remaining-tokens"] == "0"
    # In debt: all that was used has to leak out but one.
    debt = (USAGE["total_tokens"] - 2 + 1) * 30
    assert debt - 5 <= int(refused.headers["retry-after"]) <= debt


def test_openais_client_understands_it(gateway: ServedGateway, client: httpx.Client, offer: Offer) -> None:
    _, plain = make_key(requests_per_minute=1)
    theirs = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=plain, max_retries=0)
    theirs.completions.create(model="tiny", prompt="Hello")

    with pytest.raises(openai.RateLimitError) as refused:
        theirs.completions.create(model="tiny", prompt="Hello")

    assert refused.value.response.json()["code"] == "rate_limited"


def test_a_changed_limit_takes_effect(client: httpx.Client, offer: Offer) -> None:
    row, plain = make_key(requests_per_minute=1)
    assert [ask(client, plain).status_code for _ in range(2)] == [200, 429]

    services.change_key_limits(
        key=row, requests_per_minute=0, tokens_per_minute=None, actor=selectors.actor_of_key(row)
    )

    wait_for(lambda: ask(client, plain).status_code == 200, "the limit is gone")
    assert ApiKey.objects.get(pk=row.pk).requests_per_minute == 0


def test_the_default_is_for_keys_without_a_limit(client: httpx.Client, settings: Settings) -> None:
    settings.REQUESTS_PER_MINUTE = 2
    _, plain = make_key()
    _, free = make_key(requests_per_minute=0)

    assert [ask(client, plain).status_code for _ in range(3)] == [200, 200, 429]
    assert [ask(client, free).status_code for _ in range(3)] == [200, 200, 200]


@pytest.fixture
def slow(engine: FakeEngine) -> Iterator[FakeEngine]:
    engine.manner = "slow"
    yield engine
    engine.release.set()


def test_requests_at_a_time_of_a_key(client: httpx.Client, slow: FakeEngine, settings: Settings) -> None:
    settings.MAX_CONCURRENT_PER_KEY = 2
    row, plain = make_key()
    _, colleague = make_key(row.organization)
    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(ask, client, plain) for _ in range(2)]
        for _ in waiting:
            assert slow.arrived.acquire(timeout=30)
        refused = ask(client, plain)
        others = threads.submit(ask, client, colleague)
        assert slow.arrived.acquire(timeout=30)
        slow.release.set()

        assert [answer.result().status_code for answer in (*waiting, others)] == [200] * 3
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_concurrent")
    assert refused.headers["retry-after"] == "1"
    assert ask(client, plain).status_code == 200


def test_requests_at_a_time_of_an_organization(
    client: httpx.Client, slow: FakeEngine, settings: Settings
) -> None:
    settings.MAX_CONCURRENT_PER_ORGANIZATION = 1
    organization = make_organization()
    _, plain = make_key(organization)
    _, colleague = make_key(organization)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(ask, client, plain)
        assert slow.arrived.acquire(timeout=30)
        assert ask(client, colleague).json()["code"] == "too_many_concurrent"
        slow.release.set()
        assert waiting.result().status_code == 200
    assert ask(client, colleague).status_code == 200


def test_what_a_client_leaves_is_free_again(
    client: httpx.Client, engine: FakeEngine, settings: Settings, offer: Offer
) -> None:
    settings.MAX_CONCURRENT_PER_KEY = 1
    _, plain = make_key()
    engine.manner = "slow"
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/completions", json=PROMPT, headers={"X-API-Key": plain}, timeout=0.3)
    engine.manner = "good"
    offer.change(make_base_route(engine.port))

    wait_for(lambda: ask(client, plain).status_code == 200, "the place is free")
