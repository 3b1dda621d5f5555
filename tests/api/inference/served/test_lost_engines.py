"""An engine that vanished without a word: its requests end when no row knows its address any more."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from embassy.engines.models import Engine
from tests.factories.deployments import make_engine
from tests.factories.routes import make_base_route
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.served_gateway import Offer

CHAT: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}], "stream": True}


@pytest.fixture
def row(db: None, engine: FakeEngine) -> Iterator[Engine]:
    """Of the stand-in; where it is put, its host is silent and answers nothing."""
    row = make_engine(host="127.0.0.1", port=engine.port)
    yield row
    Engine.objects.all().delete()


def test_a_stream_ends_with_a_retryable_error(
    client: httpx.Client, engine: FakeEngine, offer: Offer, row: Engine
) -> None:
    engine.manner = "pauses"
    with client.stream("POST", "/v1/chat/completions", json=CHAT) as response:
        lines = (line for line in response.iter_lines() if line)
        next(lines)
        Engine.objects.filter(pk=row.pk).update(host="", port=0)
        offer.change(make_base_route(state="starting", reason="The process that ran it is gone."))
        last = list(lines)[-1]

    failure = json.loads(last.removeprefix("data: "))
    assert (failure["status"], failure["code"], failure["retry_after"]) == (503, "engine_lost", 2)


def test_a_plain_request_is_sent_again_to_the_next_engine(
    client: httpx.Client, engine: FakeEngine, offer: Offer, row: Engine
) -> None:
    engine.manner = "slow"

    def move() -> None:
        assert engine.arrived.acquire(timeout=30)
        offer.change(make_base_route(state="starting"))
        Engine.objects.filter(pk=row.pk).update(host="", port=0)
        offer.change(make_base_route(state="starting"))
        engine.manner = "good"
        offer.say(make_base_route(engine.port))

    mover = threading.Thread(target=move)
    mover.start()
    response = client.post("/v1/completions", json={"model": "tiny", "prompt": "Hello"})
    mover.join()

    assert response.status_code == 200
    assert engine.cancelled.is_set()


def test_one_that_finishes_what_it_has_is_let(
    client: httpx.Client, engine: FakeEngine, offer: Offer, row: Engine
) -> None:
    engine.manner = "pauses"
    with client.stream("POST", "/v1/chat/completions", json=CHAT) as response:
        lines = (line for line in response.iter_lines() if line)
        next(lines)
        offer.change(make_base_route(models=("another",), state="asleep"))  # its last deployment moved away
        offer.change(make_base_route(models=("another",), state="asleep"))
        engine.release.set()
        assert list(lines)[-1] == "data: [DONE]"
