"""POST /v1/classification and /v1/regression, over a real server, in front of a stand-in engine."""

from typing import Any

import httpx
import pytest

from embassy.inference.models import Usage
from embassy.platform.actor import Actor
from tests.factories.routes import make_route
from tests.fakes.fake_engine import OUTPUTS, FakeEngine
from tests.fakes.served_gateway import Offer
from tests.waiting import wait_for

CLASSIFY = {"model": "support", "input": "Where is my money?"}
LABELS = ("billing", "bug", "other")
BOTH = pytest.mark.parametrize(
    ("path", "task"),
    [("/v1/classification", "classification"), ("/v1/regression", "regression")],
    ids=["classification", "regression"],
)


@pytest.fixture
def head(engine: FakeEngine, offer: Offer, organization_id: int) -> Any:
    """Offers a head as the test says; it reads prompts as a chat."""

    def change(**changes: Any) -> None:
        values = {"prompt_prefix": "<s>Q: ", "prompt_suffix": "\nA:", "labels": LABELS} | changes
        offer.change(make_route(engine.port, organization_id=organization_id, **values))

    return change


def test_gives_the_outputs_by_label(client: httpx.Client, engine: FakeEngine, head: Any) -> None:
    head(task_type="classification")

    response = client.post("/v1/classification", json=CLASSIFY)

    assert response.status_code == 200
    answer = response.json()
    assert answer.pop("id").startswith("classify-")
    assert answer == {
        "model": "support",
        "data": [{"index": 0, "logits": dict(zip(LABELS, OUTPUTS, strict=True))}],
        "usage": {
            "completion_tokens": 0,
            "prompt_tokens": 6,
            "prompt_token_details": "",
            "total_tokens": 6,
        },
    }


def test_asks_as_the_tests_of_a_checkpoint_do(client: httpx.Client, engine: FakeEngine, head: Any) -> None:
    head(task_type="classification")

    client.post("/v1/classification", json=CLASSIFY | {"use_activation": True})

    sent = engine.requests[0]
    assert len(sent.pop("cache_salt")) == 32
    assert sent == {
        "model": "dp-1-v1",
        "messages": [{"role": "user", "content": "Where is my money?"}],
        "add_generation_prompt": True,
        "use_activation": False,
    }


def test_a_model_without_a_chat_template_reads_the_bare_text(
    client: httpx.Client, engine: FakeEngine, head: Any
) -> None:
    head(task_type="classification", prompt_prefix=None, prompt_suffix=None)

    assert client.post("/v1/classification", json=CLASSIFY).status_code == 200
    assert engine.requests[0]["input"] == ["Where is my money?"]


def test_probabilities_of_labels_that_exclude_each_other_add_up(client: httpx.Client, head: Any) -> None:
    head(task_type="classification")

    answer = client.post("/v1/classification", json=CLASSIFY | {"data_format": "probs"}).json()

    probs = answer["data"][0]["probs"]
    assert sum(probs.values()) == pytest.approx(1)
    assert probs["billing"] == pytest.approx(0.78559703)


def test_each_of_several_labels_has_its_own_probability(client: httpx.Client, head: Any) -> None:
    head(task_type="classification", multi_label=True)

    answer = client.post("/v1/classification", json=CLASSIFY | {"data_format": "probs"}).json()

    assert answer["data"][0]["probs"] == pytest.approx(
        {"billing": 0.88079708, "bug": 0.26894142, "other": 0.62245933}
    )


def test_a_number_is_in_the_unit_of_the_data(client: httpx.Client, head: Any) -> None:
    head(task_type="regression", mean=100.0, deviation=15.0)

    answer = client.post("/v1/regression", json=CLASSIFY).json()

    assert answer["data"] == [{"index": 0, "value": 130.0}]
    assert answer["model"] == "support"
    assert answer["usage"] == {"completion_tokens": 0, "prompt_tokens": 6, "total_tokens": 6}


@BOTH
def test_counts_and_keeps_awake(
    client: httpx.Client, caller: tuple[Actor, str], offer: Offer, head: Any, path: str, task: str
) -> None:
    deployment_pk = {"classification": 601, "regression": 602}[task]
    head(task_type=task, deployment_pk=deployment_pk)

    client.post(path, json=CLASSIFY)

    wait_for(lambda: deployment_pk in offer.touched, "the use to be noted")
    rows = Usage.objects.filter(deployment_pk=deployment_pk)
    wait_for(
        lambda: [(row.requests, row.prompt_tokens) for row in rows.all()] == [(1, 6)],
        "the request to be counted",
    )


@BOTH
@pytest.mark.parametrize("field", ["model", "input"])
@pytest.mark.parametrize("value", [None, "", 7, ["x"]])
def test_names_the_field_that_is_wrong(
    client: httpx.Client, path: str, task: str, field: str, value: Any
) -> None:
    response = client.post(path, json=CLASSIFY | {field: value})

    assert response.status_code == 400
    assert f"`{field}`" in response.json()["error"]


def test_knows_two_formats(client: httpx.Client) -> None:
    response = client.post("/v1/classification", json=CLASSIFY | {"data_format": "percent"})

    assert response.status_code == 400
    assert response.json()["error"] == "`data_format` must be one of logits, probs."


@BOTH
def test_needs_a_key_and_a_model(client: httpx.Client, path: str, task: str) -> None:
    assert client.post(path, json=CLASSIFY | {"model": "nobody"}).status_code == 404
    assert client.post(path, json=CLASSIFY, headers={"X-API-Key": "nonsense"}).status_code == 401


@BOTH
@pytest.mark.parametrize(
    ("manner", "status", "code"),
    [
        ("context", 400, "context_length_exceeded"),
        ("busy", 503, "engine_busy"),
        ("broken", 503, "engine_failed"),
        ("dies", 503, "engine_lost"),
    ],
)
def test_tells_what_the_engines_failure_means(
    client: httpx.Client,
    engine: FakeEngine,
    head: Any,
    path: str,
    task: str,
    manner: str,
    status: int,
    code: str,
) -> None:
    head(task_type=task)
    engine.manner = manner

    response = client.post(path, json=CLASSIFY)

    assert (response.status_code, response.json()["code"]) == (status, code)


@BOTH
def test_waits_for_a_model_that_sleeps(
    client: httpx.Client, offer: Offer, head: Any, engine: FakeEngine, path: str, task: str
) -> None:
    head(task_type=task, state="asleep")
    [asleep] = offer.routes
    awake = make_route(engine.port, organization_id=asleep.organization_id, task_type=task, labels=LABELS)
    offer.on_wake = lambda _: offer.say(awake)

    assert client.post(path, json=CLASSIFY).status_code == 200
    assert offer.wakes == [asleep]
