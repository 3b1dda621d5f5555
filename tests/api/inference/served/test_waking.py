"""Requests to a model that is not up are held, and wake it once."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pytest_django import Settings

from embassy.deployments.routes import Route
from embassy.platform.errors import Conflict
from tests.factories.routes import make_base_route
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.served_gateway import Offer
from tests.waiting import wait_for

NAME = itertools.count()


@dataclass(frozen=True)
class Model:
    """A base model of which no other test has heard, in whatever state."""

    name: str

    @property
    def prompt(self) -> dict[str, Any]:
        return {"model": self.name, "prompt": "Hello"}

    def up(self, port: int) -> Route:
        return make_base_route(port, models=(self.name,))

    def asleep(self) -> Route:
        return make_base_route(models=(self.name,), state="asleep", reason="It sleeps until somebody asks.")

    def being(self, state: str, reason: str = "") -> Route:
        return make_base_route(models=(self.name,), state=state, reason=reason)


@pytest.fixture
def model() -> Model:
    return Model(f"tiny-{next(NAME)}")


def comes_up_after(offer: Offer, *steps: Route) -> Callable[[Route], None]:
    """A wake-up that takes effect later and in steps, as a real one does."""

    def wake(_: Route) -> None:
        for number, step in enumerate(steps, 1):
            threading.Timer(0.2 * number, offer.say, [step]).start()

    return wake


def test_a_request_is_held_until_the_model_is_up(
    client: httpx.Client, engine: FakeEngine, offer: Offer, model: Model
) -> None:
    offer.on_wake = comes_up_after(offer, model.being("starting"), model.up(engine.port))
    offer.change(model.asleep())

    response = client.post("/v1/completions", json=model.prompt)

    assert response.status_code == 200
    assert len(offer.wakes) == 1


def test_twenty_requests_wake_it_once(
    client: httpx.Client, engine: FakeEngine, offer: Offer, model: Model
) -> None:
    offer.on_wake = comes_up_after(offer, model.up(engine.port))
    offer.change(model.asleep())

    with ThreadPoolExecutor(20) as threads:
        statuses = list(
            threads.map(lambda _: client.post("/v1/completions", json=model.prompt).status_code, range(20))
        )

    assert statuses == [200] * 20
    assert len(offer.wakes) == 1


@pytest.mark.parametrize("patience", ["0", "0.3"])
def test_past_the_bound_it_says_when_to_come_back(
    client: httpx.Client, offer: Offer, model: Model, patience: str
) -> None:
    offer.change(model.asleep())

    response = client.post("/v1/completions", json=model.prompt, headers={"X-Scale-Up-Timeout": patience})

    assert response.status_code == 503
    assert response.json()["code"] == "model_starting"
    assert int(response.headers["Retry-After"]) >= 1
    assert len(offer.wakes) == 1  # the next request may find it up


@pytest.mark.parametrize("patience", ["soon", "-1", "inf", "100000", "nan"])
def test_a_bound_that_is_none_is_refused(client: httpx.Client, model: Model, patience: str) -> None:
    response = client.post("/v1/completions", json=model.prompt, headers={"X-Scale-Up-Timeout": patience})

    assert response.status_code == 400


@pytest.mark.parametrize("bound", ["WAKE_QUEUE", "WAKE_QUEUE_PER_MODEL"])
def test_the_waiting_room_is_bounded(
    client: httpx.Client, offer: Offer, model: Model, settings: Settings, bound: str
) -> None:
    setattr(settings, bound, 0)
    offer.change(model.asleep())

    response = client.post("/v1/completions", json=model.prompt)

    assert (response.status_code, response.json()["code"]) == (503, "too_many_waiting")
    assert int(response.headers["Retry-After"]) >= 1
    assert len(offer.wakes) == 1  # whoever comes again finds it up


def test_one_model_cannot_take_all_places(
    client: httpx.Client, offer: Offer, model: Model, settings: Settings
) -> None:
    settings.WAKE_QUEUE_PER_MODEL = 1
    other = Model(f"{model.name}-other")
    offer.change(model.asleep(), other.asleep())
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(ask_for, client, model, "60")
        wait_for(lambda: offer.wakes, "the first to wait")

        assert ask_for(client, model, "0") == "too_many_waiting"
        assert ask_for(client, other, "0") == "model_starting"
        offer.say(model.being("failed"), other.asleep())
        assert first.result() == "model_failed"


def ask_for(client: httpx.Client, model: Model, patience: str) -> str:
    headers = {"X-Scale-Up-Timeout": patience}
    return str(client.post("/v1/completions", json=model.prompt, headers=headers).json()["code"])


def test_a_failed_model_is_not_waited_for(client: httpx.Client, offer: Offer, model: Model) -> None:
    offer.change(model.being("failed", "Its weights are gone."))

    response = client.post("/v1/completions", json=model.prompt)

    assert (response.status_code, response.json()["code"]) == (503, "model_failed")
    assert "Its weights are gone." in response.json()["error"]
    assert offer.wakes == []


def test_a_deleted_deployment_says_so(client: httpx.Client, offer: Offer, model: Model) -> None:
    offer.change(model.being("terminated"))

    response = client.post("/v1/completions", json=model.prompt)

    assert (response.status_code, response.json()["code"]) == (404, "model_terminated")


def test_a_wake_up_that_is_refused_is_told_to_all_who_wait(
    client: httpx.Client, offer: Offer, model: Model
) -> None:
    def refuse(_: Route) -> None:
        raise Conflict("No room on any host.", code="no_room")

    offer.on_wake = refuse
    offer.change(model.asleep())

    response = client.post("/v1/completions", json=model.prompt)

    assert (response.status_code, response.json()["code"]) == (400, "no_room")


def test_an_engine_that_moved_is_found_at_its_new_address(
    client: httpx.Client, engine: FakeEngine, offer: Offer, model: Model
) -> None:
    offer.change(model.up(1))  # nobody listens there
    threading.Timer(0.5, offer.say, [model.up(engine.port)]).start()

    assert client.post("/v1/completions", json=model.prompt).status_code == 200


def test_an_engine_that_went_to_sleep_a_moment_ago_is_woken(
    client: httpx.Client, engine: FakeEngine, offer: Offer, model: Model
) -> None:
    offer.on_wake = comes_up_after(offer, model.up(engine.port))
    offer.change(model.up(1))
    threading.Timer(0.5, offer.say, [model.asleep()]).start()

    assert client.post("/v1/completions", json=model.prompt).status_code == 200
    assert len(offer.wakes) == 1


def test_an_engine_that_breaks_down_hands_the_request_to_the_next(
    client: httpx.Client, engine: FakeEngine, offer: Offer, model: Model
) -> None:
    with FakeEngine() as broken:
        broken.manner = "broken"
        offer.on_wake = comes_up_after(offer, model.up(engine.port))
        offer.change(model.up(broken.port))
        threading.Timer(0.5, offer.say, [model.asleep()]).start()

        assert client.post("/v1/completions", json=model.prompt).status_code == 200
        assert len(broken.requests) == 1


def test_an_adapter_that_is_not_on_its_engine_yet_is_waited_for(
    client: httpx.Client, engine: FakeEngine, offer: Offer, model: Model
) -> None:
    engine.manner = "unknown"

    def load() -> None:
        engine.manner = "good"

    offer.change(model.up(engine.port))
    threading.Timer(0.5, load).start()

    assert client.post("/v1/completions", json=model.prompt).status_code == 200
    assert len(engine.requests) > 1


def test_a_client_that_leaves_gives_its_place_back(
    client: httpx.Client, offer: Offer, model: Model, settings: Settings
) -> None:
    settings.WAKE_QUEUE = 1
    offer.change(model.asleep())
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/completions", json=model.prompt, timeout=0.3)

    # Only who has a place is told that the model is starting.
    wait_for(lambda: ask_for(client, model, "0") == "model_starting", "the place to be free again")
