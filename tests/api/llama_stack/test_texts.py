"""Completions, embeddings and models at OpenAI's addresses."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.deployments import selectors
from tests.factories.routes import make_base_route
from tests.fakes.fake_engine import WORDS, FakeEngine

MOUNTS = ("/openai/v1", "/v1/openai/v1")
BOTH = pytest.mark.parametrize("mount", MOUNTS)
PROMPT: dict[str, Any] = {"model": "tiny", "prompt": "Hello"}
TEXTS: dict[str, Any] = {"model": "tiny", "input": ["one", "two"]}


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        monkeypatch.setattr(selectors, "routes", lambda: [make_base_route(engine.port)])
        yield engine


@pytest.fixture
def embedder(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    route = make_base_route(engine.port, task_type="embedding")
    monkeypatch.setattr(selectors, "routes", lambda: [route])


@BOTH
def test_a_prompt_is_completed(api: APIClient, mount: str) -> None:
    answer = api.post(f"{mount}/completions", PROMPT, format="json").json()
    choice = {"index": 0, "text": "".join(WORDS), "finish_reason": "stop"}
    is_contract = mount == MOUNTS[1]
    assert answer["choices"] == [choice if is_contract else choice | {"logprobs": None}]
    assert ("usage" in answer) is not is_contract


def test_the_contract_asks_for_logprobs_by_yes_or_no(api: APIClient, engine: FakeEngine) -> None:
    api.post("/v1/openai/v1/completions", PROMPT | {"logprobs": True}, format="json")
    assert engine.requests[-1]["logprobs"] == 1
    answer = api.post("/v1/openai/v1/completions", PROMPT | {"logprobs": 3}, format="json")
    assert answer.status_code == 400


def test_the_contract_has_no_streamed_completions(api: APIClient) -> None:
    answer = api.post("/v1/openai/v1/completions", PROMPT | {"stream": True}, format="json")
    assert (answer.status_code, "has streams" in answer.json()["detail"]) == (400, True)


@BOTH
def test_texts_are_embedded(api: APIClient, embedder: None, mount: str) -> None:
    answer = api.post(f"{mount}/embeddings", TEXTS, format="json").json()
    assert [entry["index"] for entry in answer["data"]] == [0, 1]
    assert isinstance(answer["data"][0]["embedding"], list)
    coded = api.post(f"{mount}/embeddings", TEXTS | {"encoding_format": "base64"}, format="json").json()
    assert isinstance(coded["data"][0]["embedding"], str)


@BOTH
def test_the_wrong_kind_of_model_is_told(api: APIClient, mount: str) -> None:
    assert api.post(f"{mount}/embeddings", TEXTS, format="json").status_code == 400


@BOTH
def test_an_unknown_model_and_no_key(api: APIClient, anonymous_api: APIClient, mount: str) -> None:
    for path, body in (("completions", PROMPT), ("embeddings", TEXTS)):
        url = f"{mount}/{path}"
        assert api.post(url, body | {"model": "nobody"}, format="json").status_code == 404
        assert anonymous_api.post(url, body, format="json").status_code == 401
        assert api.get(url).status_code == 405


@BOTH
def test_models_are_listed(api: APIClient, anonymous_api: APIClient, mount: str) -> None:
    models = api.get(f"{mount}/models").json()["data"]
    assert "tiny-llama-instruct" in {model["id"] for model in models}
    assert all(set(model) == {"id", "object", "created", "owned_by"} for model in models)
    assert anonymous_api.get(f"{mount}/models").status_code == 401


def test_one_model(api: APIClient) -> None:
    assert api.get("/openai/v1/models/tiny-llama-instruct").json()["owned_by"] == "embassy"
    assert api.get("/openai/v1/models/nothing").json()["error"]["code"] == "object_not_found"
