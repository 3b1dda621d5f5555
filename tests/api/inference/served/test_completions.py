"""POST /v1/completions and /v1/chat/completions, over a real server, in front of a stand-in engine."""

import json
from typing import Any

import httpx
import pytest

from embassy.inference.models import Usage
from embassy.platform.actor import Actor
from tests.factories.routes import make_base_route, make_route
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.served_gateway import Offer, ServedGateway
from tests.waiting import wait_for

PROMPT = {"model": "tiny", "prompt": "The capital of France"}
CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}]}
BOTH = pytest.mark.parametrize(
    ("path", "body"), [("/v1/completions", PROMPT), ("/v1/chat/completions", CHAT)], ids=["text", "chat"]
)


def test_answers_a_prompt_in_the_promised_shape(client: httpx.Client, engine: FakeEngine) -> None:
    response = client.post("/v1/completions", json={**PROMPT, "max_completion_tokens": 9, "temperature": 0})

    assert response.status_code == 200
    answer = response.json()
    assert answer["model"] == "tiny"
    assert answer["object"] == "text_completion"
    assert answer["choices"] == [
        {
            "index": 0,
            "text": "Paris is the capital.",
            "logprobs": None,
            "prompt_logprobs": None,
            "stop_reason": None,
            "finish_reason": "stop",
        }
    ]
    assert answer["usage"] == {
        "prompt_tokens": 6,
        "completion_tokens": 5,
        "total_tokens": 11,
        "prompt_tokens_details": None,
    }
    sent = engine.requests[0]
    assert len(sent.pop("cache_salt")) == 32
    assert sent == {"model": "base", "prompt": "The capital of France", "max_tokens": 9, "temperature": 0}
    assert engine.headers[0]["Authorization"] == "Bearer engine-key"


def test_answers_a_chat_in_the_promised_shape(client: httpx.Client) -> None:
    answer = client.post("/v1/chat/completions", json=CHAT).json()

    assert answer["id"].startswith("chatcmpl-")
    assert answer["choices"][0]["message"]["content"] == "Paris is the capital."
    assert answer["choices"][0]["refusal"] is None
    assert answer["usage"]["prompt_tokens_details"] == {"cached_tokens": 0, "audio_tokens": 0}
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0
    assert answer["service_tier"] == "default"
    assert answer["system_fingerprint"].startswith("fp_")


def test_a_deployment_answers_to_its_name_and_its_id(
    client: httpx.Client, engine: FakeEngine, offer: Offer, organization_id: int
) -> None:
    route = make_route(
        engine.port, organization_id=organization_id, prompt_prefix="<s>Q: ", prompt_suffix="\nA:"
    )
    offer.change(route)

    for name in ("support", "dp-1"):
        answer = client.post("/v1/completions", json={"model": name, "prompt": "why?"}).json()
        assert answer["model"] == name

    sent = engine.requests[0]
    assert sent["prompt"] == "<s>Q: why?\nA:"
    assert sent["add_special_tokens"] is False
    assert sent["model"] == "dp-1-v1"
    assert sent["max_tokens"] == 1024


def test_takes_the_key_in_both_forms(client: httpx.Client) -> None:
    key = client.headers.pop("X-API-Key")

    for headers in (
        {"X-API-Key": key},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": f"bearer {key}"},
    ):
        assert client.post("/v1/completions", json=PROMPT, headers=headers).status_code == 200


@BOTH
def test_refuses_without_a_good_key(offer: Offer, gateway: ServedGateway, path: str, body: Any) -> None:
    for key in (None, "", "nonsense", "emb_12345678_" + "x" * 40):
        headers = {} if key is None else {"X-API-Key": key}
        response = httpx.post(gateway.url + path, json=body, headers=headers)

        assert response.status_code == 401
        assert response.json().keys() == {"status", "error", "code"}
        assert response.headers["X-Request-Id"]


@BOTH
def test_says_how_to_list_models_when_there_is_none_of_this_name(
    client: httpx.Client, path: str, body: Any
) -> None:
    response = client.post(path, json={**body, "model": "nobody"})

    assert response.status_code == 404
    assert response.json()["code"] == "model_not_found"
    assert "GET /v1/models" in response.json()["error"]


def test_another_organizations_deployment_is_not_there(
    client: httpx.Client, engine: FakeEngine, offer: Offer, organization_id: int
) -> None:
    offer.change(make_route(engine.port, organization_id=organization_id + 1))

    assert client.post("/v1/completions", json={**PROMPT, "model": "support"}).status_code == 404


def test_a_model_that_came_a_moment_ago_is_found_without_a_nudge(
    client: httpx.Client, engine: FakeEngine, offer: Offer
) -> None:
    assert client.post("/v1/completions", json=PROMPT).status_code == 200
    offer.routes = [make_base_route(engine.port, models=("new",))]

    assert client.post("/v1/completions", json={**PROMPT, "model": "new"}).status_code == 200


@BOTH
def test_names_the_field_that_is_wrong(client: httpx.Client, path: str, body: Any) -> None:
    response = client.post(path, json={**body, "temperature": "hot"})

    assert response.status_code == 400
    assert response.json()["error"] == "`temperature` must be a number from 0 to 2."


def test_refuses_what_is_no_json_object(client: httpx.Client) -> None:
    for content in (b"{", b"", b"[]", b"\xff", b'"text"'):
        response = client.post(
            "/v1/completions", content=content, headers={"Content-Type": "application/json"}
        )

        assert response.status_code == 400
        assert response.json()["code"] == "malformed_body"


def test_refuses_other_media_types(client: httpx.Client) -> None:
    assert client.post("/v1/completions", data={"model": "tiny"}).status_code == 415


@pytest.mark.parametrize("chunked", [False, True])
def test_refuses_a_body_over_10_mb(client: httpx.Client, chunked: bool) -> None:
    big = json.dumps({**PROMPT, "prompt": "x" * 11_000_000}).encode()
    content: Any = iter([big[:5_000_000], big[5_000_000:]]) if chunked else big

    response = client.post("/v1/completions", content=content, headers={"Content-Type": "application/json"})

    assert response.status_code == 400
    assert response.json()["code"] == "too_large"


def test_takes_a_body_in_many_pieces(client: httpx.Client, engine: FakeEngine) -> None:
    big = json.dumps({**PROMPT, "prompt": "x" * 1_000_000}).encode()

    response = client.post(
        "/v1/completions",
        content=iter(big[start : start + 9_999] for start in range(0, len(big), 9_999)),
        headers={"Content-Type": "application/json"},
    )

    assert response.status_code == 200
    assert len(engine.requests[0]["prompt"]) == 1_000_000


def test_keeps_the_clients_request_id(client: httpx.Client, engine: FakeEngine) -> None:
    response = client.post("/v1/completions", json=PROMPT, headers={"X-Request-Id": "mine-1"})

    assert response.headers["X-Request-Id"] == "mine-1"
    assert engine.headers[0]["X-Request-Id"].startswith("mine-1-")


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

    response = client.post("/v1/completions", json=PROMPT)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert ("Retry-After" in response.headers) == (status == 503)


def test_a_prompt_that_is_too_long_is_told_both_lengths(client: httpx.Client, engine: FakeEngine) -> None:
    engine.manner = "context"

    body = client.post("/v1/completions", json=PROMPT).json()

    assert body["details"] == {"context_length": 1024, "prompt_tokens": 2000}
    assert "2000 tokens" in body["error"]
    assert "1024 tokens" in body["error"]


def test_a_model_for_something_else_is_refused(
    client: httpx.Client, engine: FakeEngine, offer: Offer
) -> None:
    offer.change(make_base_route(engine.port, models=("sorter",), task_type="classification"))

    response = client.post("/v1/completions", json={**PROMPT, "model": "sorter"})

    assert response.status_code == 400
    assert response.json()["code"] == "wrong_endpoint"


def test_tells_deployments_what_is_in_use(
    client: httpx.Client, engine: FakeEngine, offer: Offer, organization_id: int
) -> None:
    offer.change(make_route(engine.port, organization_id=organization_id, deployment_pk=77))

    assert client.post("/v1/completions", json={**PROMPT, "model": "support"}).status_code == 200

    wait_for(lambda: 77 in offer.touched, "the use to be noted")


@pytest.mark.parametrize("is_stream", [False, True])
def test_counts_what_was_used(
    client: httpx.Client,
    engine: FakeEngine,
    offer: Offer,
    caller: tuple[Actor, str],
    organization_id: int,
    is_stream: bool,
) -> None:
    deployment_pk = 500 + is_stream
    offer.change(make_route(engine.port, organization_id=organization_id, deployment_pk=deployment_pk))

    message = {"role": "user", "content": "Hello"}
    for _ in range(2):
        body = {"model": "support", "messages": [message], "stream": is_stream}
        client.post("/v1/chat/completions", json=body)

    ours = Usage.objects.filter(deployment_pk=deployment_pk)
    wait_for(lambda: sum(row.requests for row in ours.all()) == 2, "two requests to be counted")
    assert sum(row.prompt_tokens for row in ours.all()) == 12
    assert sum(row.completion_tokens for row in ours.all()) == 10
    assert {(row.model, row.key_pk, row.project_pk) for row in ours} == {("support", caller[0].key_id, 1)}
