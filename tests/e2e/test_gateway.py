"""The gateway in front of a real vLLM: what it promises of answers, streams, limits and deaths."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.engines import CONTEXT, START_S, Engine, start_engine
from tests.factories.projects import make_key
from tests.factories.routes import make_base_route
from tests.fakes.committed import committed_rows
from tests.fakes.served_gateway import Offer, ServedGateway

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
CHAT: dict[str, Any] = {"model": "tiny", "messages": QUESTION, "temperature": 0, "max_tokens": 12}


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with committed_rows(django_db_blocker):
        yield


@pytest.fixture
def db(committed: None) -> None:
    """Committed rows in place of a transaction; the name tells pytest-django to make the database."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = start_engine(tmp_path_factory.mktemp("engine"), standby=None)
    with engine.child:
        yield engine


@pytest.fixture(scope="module")
def gateway(committed: None) -> Iterator[ServedGateway]:
    with ServedGateway() as served:
        yield served


@pytest.fixture
def client(
    db: None, gateway: ServedGateway, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[httpx.Client]:
    offer = Offer()
    offer.install(monkeypatch)
    offer.change(make_base_route(engine.client.port, context_length=CONTEXT))
    _, plain = make_key()
    with httpx.Client(base_url=gateway.url, headers={"X-API-Key": plain}, timeout=START_S) as client:
        yield client


def chat(client: httpx.Client, **changes: Any) -> Any:
    response = client.post("/v1/chat/completions", json=CHAT | changes)
    assert response.status_code == 200, response.text
    return response.json()


def streamed(client: httpx.Client, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    # Not through httpx: the contract's completions have no stream, and its checker would read one as a flaw.
    request = urllib.request.Request(f"{client.base_url}{path}", json.dumps(body | {"stream": True}).encode())
    request.headers = {"Content-Type": "application/json", "X-API-Key": client.headers["X-API-Key"]}
    with urllib.request.urlopen(request, timeout=60) as response:
        lines = [line.decode().strip().removeprefix("data: ") for line in response if line.strip()]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_a_chat_has_every_promised_property(client: httpx.Client) -> None:
    answer = chat(client)

    assert "Paris" in answer["choices"][0]["message"]["content"]
    assert answer["model"] == "tiny"
    assert answer["usage"]["completion_tokens"] > 0
    assert answer["usage"]["total_tokens"] > answer["usage"]["completion_tokens"]
    assert {"service_tier", "system_fingerprint"} <= answer.keys()


def test_a_stream_says_the_same_as_a_plain_answer(client: httpx.Client) -> None:
    whole = chat(client)["choices"][0]["message"]["content"]

    chunks = streamed(client, "/v1/chat/completions", CHAT)

    pieces = [choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"]]
    assert "".join(pieces) == whole
    assert {chunk["model"] for chunk in chunks} == {"tiny"}
    assert not any(chunk.get("usage") for chunk in chunks)


def test_a_streamed_prompt_tells_usage_when_asked(client: httpx.Client) -> None:
    body = {"model": "tiny", "prompt": "The capital of France is", "max_tokens": 5, "temperature": 0}

    chunks = streamed(client, "/v1/completions", body | {"stream_options": {"include_usage": True}})

    assert 0 < chunks[-1]["usage"]["completion_tokens"] <= 5
    assert chunks[-1]["choices"] == []


def test_a_prompt_that_is_too_long_is_told_both_lengths(client: httpx.Client) -> None:
    response = client.post("/v1/completions", json={"model": "tiny", "prompt": "word " * 2000})

    assert response.status_code == 400
    assert response.json()["code"] == "context_length_exceeded"
    assert response.json()["details"]["context_length"] == CONTEXT
    assert str(CONTEXT) in response.json()["error"]


def test_more_tokens_than_there_is_room_for_are_refused(client: httpx.Client) -> None:
    response = client.post("/v1/chat/completions", json=CHAT | {"max_tokens": CONTEXT + 1})

    assert (response.status_code, response.json()["code"]) == (400, "context_length_exceeded")


def test_an_answer_keeps_to_a_schema(client: httpx.Client) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "city", "schema": schema}}

    content = chat(client, response_format=wanted, max_tokens=40)["choices"][0]["message"]["content"]

    assert json.loads(content)["city"] in ("Paris", "Rome")


def test_logprobs_choices_and_stops(client: httpx.Client) -> None:
    answer = chat(client, logprobs=True, top_logprobs=2, n=2, temperature=0.9, stop=["."], seed=1)

    assert len(answer["choices"]) == 2
    assert answer["choices"][0]["logprobs"]["content"]


def test_a_tool_may_be_called(client: httpx.Client) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Paris"]}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "weather", "parameters": schema}}

    answer = chat(client, tools=[tool], tool_choice="required", max_tokens=60)

    call = answer["choices"][0]["message"]["tool_calls"][0]
    assert call["function"]["name"] == "weather"


def test_one_request_id_used_twice_at_once_is_no_problem(client: httpx.Client) -> None:
    body = {"model": "tiny", "prompt": ["one", "two"], "max_tokens": 5}

    for _ in range(2):
        answer = client.post("/v1/completions", json=body, headers={"X-Request-Id": "same"})
        assert [choice["index"] for choice in answer.json()["choices"]] == [0, 1]


def test_an_engine_that_is_killed_in_a_stream_is_told_by_an_event(
    client: httpx.Client, engine: Engine
) -> None:
    """Last: nothing answers after it."""
    no_end = {"1": -100, "2": -100, "4": -100}
    messages = [{"role": "user", "content": "word"}]
    body = {"model": "tiny", "messages": messages, "max_tokens": 500, "temperature": 1, "logit_bias": no_end}
    with client.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as response:
        lines = (line for line in response.iter_lines() if line)
        next(lines)
        os.kill(
            engine.child.pid, signal.SIGKILL
        )  # at once: asking its warden to takes longer than the stream may
        last = list(lines)[-1]

    assert json.loads(last.removeprefix("data: "))["code"] == "engine_lost"
