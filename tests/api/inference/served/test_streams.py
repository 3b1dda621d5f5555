"""Streamed answers: order, usage, and what becomes of failures before and after the first event."""

import json
import urllib.request
from typing import Any

import httpx
import pytest

from tests.factories.routes import make_route
from tests.fakes.fake_engine import WORDS, FakeEngine
from tests.fakes.served_gateway import Offer

CHAT: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
PROMPT: dict[str, Any] = {"model": "tiny", "prompt": "Hello", "stream": True}


def events(response: httpx.Response) -> list[str]:
    return [line.removeprefix("data: ") for line in response.iter_lines() if line]


def words(datas: list[str]) -> list[str]:
    chunks = [json.loads(data) for data in datas if data.startswith("{")]
    return [choice["delta"]["content"] for chunk in chunks for choice in chunk.get("choices", [])]


def test_events_come_in_order_under_the_clients_name(
    client: httpx.Client, engine: FakeEngine, offer: Offer, organization_id: int
) -> None:
    offer.change(make_route(engine.port, organization_id=organization_id))

    with client.stream("POST", "/v1/chat/completions", json=CHAT | {"model": "support"}) as response:
        seen = events(response)

    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.headers["X-Request-Id"]
    assert tuple(words(seen)) == WORDS
    assert seen[-1] == "[DONE]"
    assert {json.loads(data)["model"] for data in seen[:-1]} == {"support"}


def test_an_event_arrives_before_the_engine_is_done(client: httpx.Client, engine: FakeEngine) -> None:
    engine.manner = "pauses"

    # Not through httpx: the contract has no stream here, and its checker would read one as a flaw.
    request = urllib.request.Request(f"{client.base_url}/v1/completions", json.dumps(PROMPT).encode())
    request.headers = {"Content-Type": "application/json", "X-API-Key": client.headers["X-API-Key"]}
    with urllib.request.urlopen(request, timeout=30) as response:
        lines = (line.decode().rstrip("\n") for line in response)
        assert "Paris" in next(lines)
        engine.release.set()
        assert list(lines)[-2] == "data: [DONE]"


@pytest.mark.parametrize("asked", [True, False])
def test_usage_is_sent_to_those_who_ask(client: httpx.Client, asked: bool) -> None:
    body = CHAT | ({"stream_options": {"include_usage": True}} if asked else {})

    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        usages = [data for data in events(response) if '"usage"' in data]

    assert len(usages) == asked


@pytest.mark.parametrize(
    ("manner", "status", "code"),
    [
        ("context", 400, "context_length_exceeded"),
        ("busy", 503, "engine_busy"),
        ("first_event_error", 400, "context_length_exceeded"),
    ],
)
def test_a_failure_before_the_first_event_is_a_status(
    client: httpx.Client, engine: FakeEngine, manner: str, status: int, code: str
) -> None:
    engine.manner = manner

    response = client.post("/v1/chat/completions", json=CHAT)

    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize("manner", ["dies", "error_event", "unended"])
def test_an_engine_that_dies_meanwhile_is_told_by_the_last_event(
    client: httpx.Client, engine: FakeEngine, manner: str
) -> None:
    engine.manner = manner

    with client.stream("POST", "/v1/chat/completions", json=CHAT) as response:
        seen = events(response)

    assert response.status_code == 200
    assert words(seen)[:2] == ["Paris", " is"]
    assert json.loads(seen[-1])["code"] == "engine_lost"
    assert "[DONE]" not in seen


def test_a_client_that_leaves_stops_the_engines_work(client: httpx.Client, engine: FakeEngine) -> None:
    engine.manner = "pauses"

    with client.stream("POST", "/v1/chat/completions", json=CHAT) as response:
        next(response.iter_lines())

    assert engine.cancelled.wait(10)


def test_a_client_that_leaves_before_any_answer_stops_the_engines_work(
    client: httpx.Client, engine: FakeEngine
) -> None:
    engine.manner = "slow"

    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/completions", json={"model": "tiny", "prompt": "Hello"}, timeout=0.5)

    assert engine.cancelled.wait(10)
