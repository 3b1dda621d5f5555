"""POST /v1/embeddings, over a real server, in front of a stand-in engine."""

from typing import Any

import httpx
import pytest

from tests.factories.routes import make_base_route, make_route
from tests.fakes.fake_engine import VECTORS, FakeEngine
from tests.fakes.served_gateway import Offer

COMPARE = {"model": "minilm", "input": "A cat sits.", "target": "A cat is sitting."}


@pytest.fixture(autouse=True)
def offered(engine: FakeEngine, offer: Offer) -> None:
    offer.change(make_base_route(engine.port, models=("minilm",), task_type="embedding"))


def test_compares_two_texts(client: httpx.Client, engine: FakeEngine) -> None:
    response = client.post("/v1/embeddings", json=COMPARE)

    assert response.status_code == 200
    answer = response.json()
    assert answer["id"].startswith("rq-")
    assert answer["response"].pop("cosine_score") == pytest.approx(0.96)
    assert answer["response"] == {"input_embedding": VECTORS[0], "target_embedding": VECTORS[1]}
    sent = engine.requests[0]
    assert len(sent.pop("cache_salt")) == 32
    assert sent == {
        "model": "base",
        "input": ["A cat sits.", "A cat is sitting."],
        "encoding_format": "float",
    }


def test_gives_the_measures_that_are_wanted(client: httpx.Client) -> None:
    wanted = {"cosine": False, "manhattan": True, "euclidean": True}

    measures = client.post("/v1/embeddings", json=COMPARE | wanted).json()["response"]

    assert "cosine_score" not in measures
    assert measures["manhattan_distance"] == pytest.approx(0.4)
    assert measures["euclidean_distance"] == pytest.approx(0.08**0.5)


def test_a_comparison_has_numbers_whatever_the_encoding(client: httpx.Client) -> None:
    answer = client.post("/v1/embeddings", json=COMPARE | {"encoding_format": "base64"}).json()

    assert answer["response"]["input_embedding"] == VECTORS[0]


def test_a_deployment_answers_too(
    client: httpx.Client, engine: FakeEngine, offer: Offer, organization_id: int
) -> None:
    offer.change(make_route(engine.port, organization_id=organization_id, task_type="embedding"))

    assert client.post("/v1/embeddings", json=COMPARE | {"model": "support"}).status_code == 200
    assert engine.requests[0]["model"] == "dp-1-v1"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["a"]}, "input"),
        ({"input": 7, "target": None}, "input"),
        ({"input": [], "target": None}, "input"),
        ({"input": ["a", ""], "target": None}, "input"),
        ({"input": ["a"] * 257, "target": None}, "input"),
        ({"target": ""}, "target"),
        ({"target": ["a"]}, "target"),
        ({"cosine": "yes"}, "cosine"),
        ({"manhattan": 1}, "manhattan"),
        ({"euclidean": "x"}, "euclidean"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"dimensions": "64"}, "dimensions"),
    ],
)
def test_names_the_field_that_is_wrong(client: httpx.Client, change: Any, field: str) -> None:
    response = client.post("/v1/embeddings", json=COMPARE | change)

    assert response.status_code == 400
    assert f"`{field}`" in response.json()["error"]


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
    client: httpx.Client, engine: FakeEngine, manner: str, status: int, code: str
) -> None:
    engine.manner = manner

    response = client.post("/v1/embeddings", json=COMPARE)

    assert (response.status_code, response.json()["code"]) == (status, code)


def test_needs_a_key_and_a_model(client: httpx.Client) -> None:
    assert client.post("/v1/embeddings", json=COMPARE | {"model": "nobody"}).status_code == 404
    response = client.post("/v1/embeddings", json=COMPARE, headers={"X-API-Key": "nonsense"})
    assert response.status_code == 401
