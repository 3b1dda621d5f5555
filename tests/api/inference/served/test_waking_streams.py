"""A stream whose model wakes shows life meanwhile, in comments that its clients pass over."""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import openai
import pytest

from embassy.deployments.routes import Route
from embassy.inference import herald
from tests.factories.routes import make_base_route
from tests.fakes.fake_engine import WORDS, FakeEngine
from tests.fakes.served_gateway import Offer

NAME = itertools.count()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(herald, "GRACE_S", 0.2)
    monkeypatch.setattr(herald, "EVERY_S", 0.1)


@pytest.fixture
def name() -> str:
    return f"waking-{next(NAME)}"


@pytest.fixture
def asleep(offer: Offer, name: str) -> Route:
    """Nothing happens by itself when it is asked to wake."""
    route = make_base_route(models=(name,), state="asleep", reason="It sleeps\nuntil somebody asks.")
    offer.change(route)
    return route


@contextmanager
def stream(client: httpx.Client, name: str, **headers: str) -> Iterator[httpx.Response]:
    messages = [{"role": "user", "content": "Hello"}]
    body: dict[str, Any] = {"model": name, "messages": messages, "stream": True}
    with client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as response:
        yield response


def test_comments_until_the_events_flow(
    client: httpx.Client, engine: FakeEngine, offer: Offer, asleep: Route, name: str
) -> None:
    with stream(client, name) as response:
        lines = (line for line in response.iter_lines() if line)
        comments = [next(lines) for _ in range(3)]
        assert set(comments) == {": waking It sleeps until somebody asks."}
        engine.manner = "slow"
        offer.say(make_base_route(engine.port, models=(name,)))
        assert engine.arrived.acquire(timeout=30)
        while next(lines) != ": waking It is up and reads your request.":
            pass
        engine.release.set()
        rest = [line for line in lines if not line.startswith(":")]

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert rest[-1] == "data: [DONE]"
    assert all(line.startswith("data: ") for line in rest)
    assert len(rest) == len(WORDS) + 1


def test_the_deadline_is_told_by_the_last_event(client: httpx.Client, asleep: Route, name: str) -> None:
    with stream(client, name, **{"X-Scale-Up-Timeout": "0.5"}) as response:
        lines = [line for line in response.iter_lines() if line]

    assert response.status_code == 200
    assert lines[0].startswith(": waking ")
    failure = json.loads(lines[-1].removeprefix("data: "))
    assert (failure["status"], failure["code"]) == (503, "model_starting")
    assert failure["retry_after"] >= 1
    assert "data: [DONE]" not in lines


def test_a_model_that_fails_meanwhile_ends_the_stream(
    client: httpx.Client, offer: Offer, asleep: Route, name: str
) -> None:
    with stream(client, name) as response:
        lines = (line for line in response.iter_lines() if line)
        next(lines)
        offer.say(make_base_route(models=(name,), state="failed", reason="Its weights are gone."))
        last = list(lines)[-1]

    failure = json.loads(last.removeprefix("data: "))
    assert failure["code"] == "model_failed"
    assert "Its weights are gone." in failure["error"]


@pytest.mark.usefixtures("asleep")
def test_what_fails_at_once_has_a_status(client: httpx.Client, name: str) -> None:
    with stream(client, name, **{"X-Scale-Up-Timeout": "0"}) as response:
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) >= 1


def test_a_refusal_after_the_comments_is_an_event(
    client: httpx.Client, engine: FakeEngine, offer: Offer, asleep: Route, name: str
) -> None:
    engine.manner = "context"
    with stream(client, name) as response:
        lines = (line for line in response.iter_lines() if line)
        next(lines)
        offer.say(make_base_route(engine.port, models=(name,)))
        last = list(lines)[-1]

    assert json.loads(last.removeprefix("data: "))["code"] == "context_length_exceeded"


def test_a_model_that_is_up_but_slow_gets_no_comments(
    client: httpx.Client, engine: FakeEngine, offer: Offer, name: str
) -> None:
    engine.manner = "slow"
    offer.change(make_base_route(engine.port, models=(name,)))
    threading.Timer(0.5, engine.release.set).start()

    with stream(client, name) as response:
        lines = [line for line in response.iter_lines() if line]

    assert not [line for line in lines if line.startswith(":")]


def test_the_openai_client_passes_over_them(
    client: httpx.Client, engine: FakeEngine, offer: Offer, asleep: Route, name: str
) -> None:
    threading.Timer(0.8, offer.say, [make_base_route(engine.port, models=(name,))]).start()
    caller = openai.OpenAI(
        base_url=f"{client.base_url}/v1", api_key=client.headers["X-API-Key"], max_retries=0
    )

    chunks = caller.chat.completions.create(
        model=name, messages=[{"role": "user", "content": "Hello"}], stream=True
    )

    assert tuple(chunk.choices[0].delta.content for chunk in chunks) == WORDS


def test_the_openai_client_hears_of_a_failure(client: httpx.Client, asleep: Route, name: str) -> None:
    caller = openai.OpenAI(
        base_url=f"{client.base_url}/v1", api_key=client.headers["X-API-Key"], max_retries=0
    )

    with pytest.raises(openai.APIError):
        list(
            caller.chat.completions.create(
                model=name,
                messages=[{"role": "user", "content": "Hello"}],
                stream=True,
                extra_headers={"X-Scale-Up-Timeout": "0.5"},
            )
        )


def test_all_who_waited_are_answered_by_an_engine_that_takes_few_at_a_time(
    client: httpx.Client, engine: FakeEngine, offer: Offer, asleep: Route, name: str
) -> None:
    engine.manner = "busy"

    def calm() -> None:
        assert engine.arrived.acquire(timeout=30)
        assert engine.arrived.acquire(timeout=30)
        engine.manner = "good"

    offer.on_wake = lambda _: offer.say(make_base_route(engine.port, models=(name,)))
    helper = threading.Thread(target=calm)
    helper.start()
    response = client.post("/v1/completions", json={"model": name, "prompt": "Hello"})
    helper.join()

    assert response.status_code == 200
