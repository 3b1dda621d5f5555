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


TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"enum": ["Paris"]}}, "required": ["city"]},
    },
}
# The tiny model was not taught to call tools: it is made to say what another would say of its own accord.
CALL = r'<tool_call>\n\{"name": "weather", "arguments": \{"city": "Paris"\}\}\n</tool_call>'


@pytest.mark.parametrize(
    ("asked", "finish"),
    [
        ({"tool_choice": "auto", "guided_regex": CALL}, "tool_calls"),
        ({"tool_choice": "required"}, "tool_calls"),
        ({"tool_choice": {"type": "function", "function": {"name": "weather"}}}, "stop"),
    ],
    ids=["auto", "required", "named"],
)
def test_tools_are_called_plain_and_streamed(
    client: httpx.Client, asked: dict[str, Any], finish: str
) -> None:
    body = CHAT | {"tools": [TOOL], "max_tokens": 80} | asked
    choice = chat(client, **body)["choices"][0]
    [call] = choice["message"]["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == (
        "weather",
        {"city": "Paris"},
    )
    assert choice["finish_reason"] == finish

    deltas = [chunk["choices"][0]["delta"] for chunk in streamed(client, "/v1/chat/completions", body)]
    pieces = [call["function"] for delta in deltas for call in delta.get("tool_calls") or []]
    assert "".join(piece.get("name") or "" for piece in pieces) == "weather"
    assert json.loads("".join(piece.get("arguments") or "" for piece in pieces)) == {"city": "Paris"}


def test_tools_that_are_not_to_be_called(client: httpx.Client) -> None:
    message = chat(client, tools=[TOOL], tool_choice="none")["choices"][0]["message"]
    assert "tool_calls" not in message
    assert message["content"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"guided_regex": "(Rome|Oslo)"}, {"Rome", "Oslo"}),
        ({"guided_choice": ["red", "blue"]}, {"red", "blue"}),
        ({"guided_grammar": 'root ::= "a" | "b"'}, {"a", "b"}),
        ({"guided_json": {"enum": ["x"]}}, {'"x"'}),
        ({"structured_outputs": {"regex": "[0-9]{3}"}}, {f"{number:03}" for number in range(1000)}),
        ({"response_format": {"type": "regex", "pattern": "yes|no"}}, {"yes", "no"}),
    ],
)
def test_an_answer_keeps_to_its_form_in_whatever_words(
    client: httpx.Client, asked: dict[str, Any], told: set[str]
) -> None:
    assert chat(client, **asked)["choices"][0]["message"]["content"] in told
    body = {"model": "tiny", "prompt": "Say", "max_tokens": 12, **asked}
    assert client.post("/v1/completions", json=body).json()["choices"][0]["text"] in told


@pytest.mark.parametrize("asked", [{"guided_regex": "[open"}, {"guided_grammar": "nonsense"}])
def test_a_form_that_cannot_be_compiled_is_refused(client: httpx.Client, asked: dict[str, Any]) -> None:
    response = client.post("/v1/chat/completions", json=CHAT | asked)
    assert (response.status_code, response.json()["code"]) == (400, "refused_by_engine")


def test_stops_seeds_and_limits(client: httpx.Client) -> None:
    whole = chat(client)["choices"][0]["message"]["content"]
    for stop in ("is", ["is", "zzz"]):
        assert chat(client, stop=stop)["choices"][0]["message"]["content"] == whole.partition("is")[0]
    kept = chat(client, stop="is", include_stop_str_in_output=True)
    assert kept["choices"][0]["message"]["content"].endswith("is")

    seeded = [chat(client, temperature=1.5, seed=7, n=3)["choices"] for _ in range(2)]
    assert seeded[0] == seeded[1]
    assert len(seeded[0]) == 3
    long = chat(client, max_tokens=None, max_completion_tokens=9, ignore_eos=True)
    assert (long["usage"]["completion_tokens"], long["choices"][0]["finish_reason"]) == (9, "length")
    assert chat(client, max_tokens=20, min_tokens=15)["usage"]["completion_tokens"] >= 15


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
