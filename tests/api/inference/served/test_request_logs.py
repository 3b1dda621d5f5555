"""What the gateway keeps of the requests to a deployment that asks for it."""

import json
import urllib.request
from typing import Any

import httpx
import pytest

from embassy.deployments import services
from embassy.deployments.models import Deployment
from embassy.deployments.routes import Route
from embassy.inference.models import RequestLog
from embassy.platform.actor import Actor
from tests.factories.deployments import make_deployment
from tests.factories.routes import make_route
from tests.fakes.fake_engine import OUTPUTS, USAGE, WORDS, FakeEngine
from tests.fakes.served_gateway import Offer
from tests.waiting import wait_for

TEXT = "".join(WORDS)
CHAT: dict[str, Any] = {"model": "logged", "messages": [{"role": "user", "content": "Hello\0 there"}]}
PROMPT: dict[str, Any] = {"model": "logged", "prompt": "Hello"}


@pytest.fixture
def deployment(caller: tuple[Actor, str], offer: Offer, engine: FakeEngine) -> Deployment:
    RequestLog.objects.all().delete()
    Deployment.objects.all().delete()
    row = make_deployment(actor=caller[0], name="logged", log_requests=True)
    offer.change(route_to(row, engine))
    return row


def route_to(row: Deployment, engine: FakeEngine, **changes: Any) -> Route:
    values = {
        "models": (row.name, row.public_id),
        "organization_id": row.organization_id,
        "project_id": row.project_id,
        "deployment_pk": row.pk,
        "log_requests": True,
    }
    return make_route(engine.port, **values | changes)


def written(deployment: Deployment) -> RequestLog:
    return wait_for(lambda: RequestLog.objects.filter(deployment=deployment).first(), "it is written")


def test_a_plain_chat(client: httpx.Client, deployment: Deployment, caller: tuple[Actor, str]) -> None:
    answer = client.post("/v1/chat/completions", json=CHAT | {"user": "somebody", "temperature": 0.5})

    row = written(deployment)
    assert row.request == {
        "model": "logged",
        "messages": [{"role": "user", "content": "Hello\ufffd there"}],
        "temperature": 0.5,
    }
    assert row.response == answer.json()
    assert (row.endpoint, row.status, row.key_pk) == ("chat.completions", 200, caller[0].key_id)
    assert (row.input, row.output) == ("Hello\ufffd there", TEXT)
    assert (row.prompt_tokens, row.completion_tokens) == (6, 5)
    assert row.request_id == answer.headers["x-request-id"]
    assert row.milliseconds > 0
    assert row.first_token_milliseconds is None
    assert not row.is_truncated


@pytest.mark.parametrize("path", ["chat/completions", "completions"])
def test_a_stream_is_put_together(client: httpx.Client, deployment: Deployment, path: str) -> None:
    body = CHAT if path.startswith("chat") else PROMPT
    send_streamed(client, f"/v1/{path}", body | {"stream": True, "stream_options": {"include_usage": True}})

    row = written(deployment)
    choice = row.response["choices"][0]
    assert (choice["message"]["content"] if "message" in choice else choice["text"]) == TEXT
    assert choice["finish_reason"] == "stop"
    assert row.response["usage"] == USAGE
    assert row.response["model"] == "logged"
    assert (row.status, row.output, row.completion_tokens) == (200, TEXT, 5)
    assert row.first_token_milliseconds is not None
    assert 0 < row.first_token_milliseconds <= row.milliseconds


def send_streamed(client: httpx.Client, path: str, body: dict[str, Any]) -> None:
    # Not through httpx: the contract's completions have no stream, and its checker would read one as a flaw.
    request = urllib.request.Request(f"{client.base_url}{path}", json.dumps(body).encode())
    request.headers = {"Content-Type": "application/json", "X-API-Key": client.headers["X-API-Key"]}
    with urllib.request.urlopen(request, timeout=60) as response:
        assert response.read().endswith(b"data: [DONE]\n\n")


def test_a_stream_that_breaks_off(client: httpx.Client, deployment: Deployment, engine: FakeEngine) -> None:
    engine.manner = "dies"
    client.post("/v1/chat/completions", json=CHAT | {"stream": True})

    row = written(deployment)
    assert row.status == 503
    assert row.response["error"]["code"] == "engine_lost"
    assert row.response["choices"][0]["message"]["content"] == "".join(WORDS[:2])
    assert "Send the request again" in row.output


def test_a_client_that_leaves(client: httpx.Client, deployment: Deployment, engine: FakeEngine) -> None:
    engine.manner = "pauses"
    with client.stream("POST", "/v1/chat/completions", json=CHAT | {"stream": True}) as response:
        next(response.iter_lines())

    row = written(deployment)
    assert row.status == 499
    assert row.response["choices"][0]["message"]["content"].startswith(WORDS[0])


@pytest.mark.parametrize(
    ("manner", "fields", "status", "code"),
    [
        ("good", {"temperature": 9}, 400, "invalid_input"),
        ("context", {}, 400, "context_length_exceeded"),
        ("dies", {}, 503, "engine_lost"),
    ],
)
def test_errors_are_kept_too(
    client: httpx.Client,
    deployment: Deployment,
    engine: FakeEngine,
    manner: str,
    fields: dict[str, Any],
    status: int,
    code: str,
) -> None:
    engine.manner = manner
    answer = client.post("/v1/chat/completions", json=CHAT | fields)

    row = written(deployment)
    assert (answer.status_code, row.status) == (status, status)
    assert row.response == answer.json()
    assert row.response["code"] == code
    assert row.output == answer.json()["error"]


def test_a_head_is_kept(
    client: httpx.Client, deployment: Deployment, offer: Offer, engine: FakeEngine
) -> None:
    labels = ("a", "b", "c")
    offer.change(route_to(deployment, engine, task_type="classification", labels=labels))
    client.post("/v1/classification", json={"model": "logged", "input": "Hi"})

    row = written(deployment)
    assert (row.endpoint, row.input, row.output) == ("classification", "Hi", "a")
    assert row.response["data"][0]["logits"] == dict(zip(labels, OUTPUTS, strict=True))


def test_no_key_is_kept(client: httpx.Client, deployment: Deployment, caller: tuple[Actor, str]) -> None:
    plain = caller[1]
    client.post("/v1/completions", json=PROMPT | {"prompt": f"My key is {plain}.", "api_key": plain})

    row = written(deployment)
    assert plain not in str(row.request)
    assert plain not in row.input
    assert row.input.startswith("My key is emb_")


def test_too_large_a_request_is_kept_in_part(client: httpx.Client, deployment: Deployment) -> None:
    assert client.post("/v1/completions", json=PROMPT | {"prompt": "x" * 1_100_000}).status_code == 200

    row = written(deployment)
    assert row.is_truncated
    assert len(row.request["truncated"]) == 500
    assert row.response["choices"][0]["text"] == TEXT
    assert row.input == "x" * 499 + "…"


def test_others_are_not_kept(
    client: httpx.Client, deployment: Deployment, offer: Offer, engine: FakeEngine
) -> None:
    other = route_to(deployment, engine, models=("other",), log_requests=False)
    offer.change(other, route_to(deployment, engine))
    client.post("/v1/completions", json=PROMPT | {"model": "other"})
    client.post("/v1/completions", json=PROMPT)

    assert written(deployment).request["model"] == "logged"
    assert RequestLog.objects.count() == 1


def test_turned_off_is_off_at_once(
    client: httpx.Client, deployment: Deployment, caller: tuple[Actor, str], offer: Offer, engine: FakeEngine
) -> None:
    """Also for what waits to be written, and for a gateway that has not heard of it."""
    services.change_logging(deployment=deployment, log_requests=False, log_days=None, actor=caller[0])
    client.post("/v1/completions", json=PROMPT)
    another = make_deployment(actor=caller[0], name="another", log_requests=True)
    offer.change(route_to(deployment, engine), route_to(another, engine))
    client.post("/v1/completions", json=PROMPT | {"model": "another"})

    written(another)
    assert not RequestLog.objects.filter(deployment=deployment).exists()
