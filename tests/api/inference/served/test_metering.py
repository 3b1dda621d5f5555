"""Whatever becomes of a request, it is counted with who asked, how it ended and how long it took."""

import itertools
from typing import Any

import httpx
import pytest

from embassy.inference.histogram import percentile
from embassy.inference.models import Latency, Usage
from embassy.inference.series import PRESENT, SERIES
from embassy.platform.actor import Actor
from tests.factories.routes import make_route
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.served_gateway import Offer
from tests.waiting import wait_for

NUMBERS = itertools.count(7000)
CHAT: dict[str, Any] = {"model": "support", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def pk(offer: Offer, engine: FakeEngine, organization_id: int) -> int:
    """Of a deployment "support" of which no other test has heard."""
    number = next(NUMBERS)
    offer.change(
        make_route(
            engine.port,
            organization_id=organization_id,
            deployment_pk=number,
            models=("support", f"dp-{number}"),
        )
    )
    return number


def counted(pk: int, requests: int = 1) -> Usage:
    """The row once it has so many requests."""
    return wait_for(
        Usage.objects.filter(deployment_pk=pk, requests=requests).first, "the requests in the usage"
    )


def times(pk: int, kind: str) -> dict[int, int]:
    return dict(Latency.objects.filter(deployment_pk=pk, kind=kind).values_list("bucket", "count"))


@pytest.mark.parametrize("manner", ["context", "busy", "broken", "dies"])
@pytest.mark.parametrize("is_stream", [False, True])
def test_errors_of_the_engine(
    client: httpx.Client, engine: FakeEngine, caller: tuple[Actor, str], pk: int, manner: str, is_stream: bool
) -> None:
    engine.manner = manner
    client.post("/v1/chat/completions", json=CHAT | {"stream": is_stream})
    row = counted(pk)
    assert (row.errors, row.key_pk, row.project_pk) == (1, caller[0].key_id, 1)
    assert times(pk, "whole") == {}


def test_time_to_the_first_event_of_a_stream(client: httpx.Client, engine: FakeEngine, pk: int) -> None:
    client.post("/v1/chat/completions", json=CHAT)
    assert counted(pk).errors == 0
    assert times(pk, "first_token") == {}
    client.post("/v1/chat/completions", json=CHAT | {"stream": True})
    counted(pk, 2)
    first, whole = times(pk, "first_token"), times(pk, "whole")
    assert (sum(first.values()), sum(whole.values())) == (1, 2)
    assert (percentile(first, 100) or 0) <= (percentile(whole, 100) or 0)


def test_a_model_that_does_not_come_up_in_time(
    client: httpx.Client, offer: Offer, organization_id: int, pk: int
) -> None:
    offer.change(make_route(0, organization_id=organization_id, deployment_pk=pk, state="starting"))
    response = client.post("/v1/chat/completions", json=CHAT, headers={"X-Scale-Up-Timeout": "0"})
    assert response.status_code == 503
    assert counted(pk).errors == 1


def test_a_client_that_leaves_is_no_error(client: httpx.Client, engine: FakeEngine, pk: int) -> None:
    engine.manner = "slow"
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/chat/completions", json=CHAT, timeout=0.3)
    assert engine.cancelled.wait(30)
    assert counted(pk).errors == 0
    assert times(pk, "whole") == {}


def test_requests_that_engines_have_are_told(client: httpx.Client, engine: FakeEngine, pk: int) -> None:
    engine.manner = "pauses"
    with client.stream("POST", "/v1/chat/completions", json=CHAT | {"stream": True}) as response:
        next(response.iter_lines())
        assert in_flight(pk) == 1
        engine.release.set()
    counted(pk)
    assert in_flight(pk) == 0


def test_a_long_answer_keeps_its_model_awake(
    client: httpx.Client, engine: FakeEngine, offer: Offer, pk: int
) -> None:
    """Before it is there, too: nothing of a whole answer comes until all of it has been made."""
    engine.manner = "slow"
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/chat/completions", json=CHAT, timeout=0.1)
    wait_for(lambda: pk in offer.touched, "the use to be noted")


def test_what_was_answered_is_in_the_metrics(client: httpx.Client, engine: FakeEngine, pk: int) -> None:
    client.post("/v1/chat/completions", json=CHAT)
    counted(pk)
    total = next(total for label, total in SERIES.totals().items() if label.deployment == f"dp-{pk}")
    assert (total.requests, total.prompt_tokens, sum(total.whole.values())) == (1, 6, 1)
    before = sum(SERIES.strays().values())
    client.post("/v1/chat/completions", json=CHAT | {"model": "nobody"})
    wait_for(lambda: sum(SERIES.strays().values()) > before, "the request for no model to be counted")


def in_flight(pk: int) -> int:
    return sum(
        count
        for gateway in list(PRESENT)
        for account, count in gateway.in_flight().items()
        if account.deployment_pk == pk
    )
