"""Chats at `/openai/v1/chat/completions` and `/v1/openai/v1/chat/completions`, and those that were stored."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from embassy.deployments import selectors
from embassy.llama_stack.inference import services
from embassy.llama_stack.models import StoredCompletion
from tests.conftest import client_for
from tests.factories.projects import make_key
from tests.factories.routes import make_base_route
from tests.fakes.fake_engine import WORDS, FakeEngine

OPENAI, CONTRACT = "/openai/v1/chat/completions", "/v1/openai/v1/chat/completions"
BOTH = pytest.mark.parametrize("url", [OPENAI, CONTRACT])
HELLO = [{"role": "user", "content": "Hello"}]
CHAT: dict[str, Any] = {"model": "tiny", "messages": HELLO}
SAID = "".join(WORDS)


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        monkeypatch.setattr(selectors, "routes", lambda: [make_base_route(engine.port)])
        yield engine


def ask(api: APIClient, url: str, **fields: Any) -> Any:
    return api.post(url, CHAT | fields, format="json")


def events(answer: Any) -> list[Any]:
    datas = [event.removeprefix("data: ") for event in answer.content.decode().split("\n\n") if event]
    assert datas[-1] == "[DONE]"
    return [json.loads(data) for data in datas[:-1]]


def test_openai_gets_its_own_words(api: APIClient) -> None:
    answer = ask(api, OPENAI).json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["content"] == SAID
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["total_tokens"] > 0
    assert not StoredCompletion.objects.exists()


def test_the_contract_gets_no_more_than_it_knows(api: APIClient) -> None:
    answer = ask(api, CONTRACT).json()
    assert set(answer) == {"id", "object", "created", "model", "choices"}
    message = {"role": "assistant", "content": SAID}
    assert answer["choices"] == [{"index": 0, "message": message, "finish_reason": "stop"}]


def test_streams_of_both(api: APIClient) -> None:
    ours = events(ask(api, OPENAI, stream=True, stream_options={"include_usage": True}))
    assert "usage" in ours[-1]
    theirs = events(ask(api, CONTRACT, stream=True, stream_options={"include_usage": True}))
    assert [chunk["choices"][0]["delta"]["content"] for chunk in theirs] == list(WORDS)
    ends = [chunk["choices"][0]["finish_reason"] for chunk in theirs]
    assert ends == [*[""] * (len(WORDS) - 1), "stop"]
    assert {tuple(chunk) for chunk in theirs} == {("id", "object", "created", "model", "choices")}


@pytest.mark.parametrize("stream", [False, True])
def test_what_was_stored_can_be_read(api: APIClient, stream: bool) -> None:
    ask(api, OPENAI, store=True, metadata={"team": "a"}, stream=stream)
    stored = StoredCompletion.objects.get()
    seen = api.get(f"{OPENAI}/{stored.public_id}").json()
    assert seen["choices"][0]["message"]["content"] == SAID
    assert seen["metadata"] == {"team": "a"}
    theirs = api.get(f"{CONTRACT}/{stored.public_id}").json()
    assert theirs["input_messages"] == HELLO
    assert theirs["choices"][0]["message"]["content"] == SAID
    messages = api.get(f"{OPENAI}/{stored.public_id}/messages").json()
    assert [(entry["id"], entry["content"]) for entry in messages["data"]] == [
        (f"{stored.public_id}-0", "Hello")
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_the_contract_keeps_every_chat(api: APIClient, stream: bool) -> None:
    ask(api, CONTRACT, stream=stream)
    assert [chat["input_messages"] for chat in api.get(CONTRACT).json()["data"]] == [HELLO]


def test_lists_are_filtered_and_paged(api: APIClient) -> None:
    ids = [ask(api, OPENAI, store=True, metadata={"n": str(n)}).json()["id"] for n in range(3)]
    assert [chat["id"] for chat in api.get(OPENAI).json()["data"]] == ids
    assert [chat["id"] for chat in api.get(CONTRACT).json()["data"]] == ids[::-1]
    page = api.get(OPENAI, {"limit": 1, "after": ids[0]}).json()
    assert ([chat["id"] for chat in page["data"]], page["has_more"]) == ([ids[1]], True)
    assert [chat["id"] for chat in api.get(OPENAI, {"metadata[n]": "2"}).json()["data"]] == [ids[2]]
    assert api.get(OPENAI, {"model": "other"}).json()["data"] == []


def test_metadata_can_be_changed_and_chats_deleted(api: APIClient) -> None:
    url = f"{OPENAI}/{ask(api, OPENAI, store=True).json()['id']}"
    assert api.post(url, {"metadata": {"a": "b"}}, format="json").json()["metadata"] == {"a": "b"}
    many = {str(number): "x" for number in range(17)}
    assert api.post(url, {"metadata": many}, format="json").status_code == 400
    assert api.delete(url).json()["deleted"] is True
    assert api.delete(url).status_code == 404


def test_metadata_is_checked_before_the_engine_is_asked(api: APIClient, engine: FakeEngine) -> None:
    answer = ask(api, OPENAI, store=True, metadata={"a": 5})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "metadata")
    assert engine.requests == []


@BOTH
def test_others_see_nothing(api: APIClient, other_api: APIClient, url: str) -> None:
    stored = ask(api, OPENAI, store=True).json()["id"]
    assert other_api.get(url).json()["data"] == []
    assert other_api.get(f"{url}/{stored}").status_code == 404
    assert other_api.delete(f"{OPENAI}/{stored}").status_code == 404


def test_a_key_for_other_models_sees_nothing(api: APIClient) -> None:
    stored = ask(api, OPENAI, store=True).json()["id"]
    organization = StoredCompletion.objects.get().organization
    _, plain = make_key(organization, model_names=["another"])
    assert client_for(plain).get(f"{OPENAI}/{stored}").status_code == 404


@BOTH
def test_each_family_has_its_errors(api: APIClient, anonymous_api: APIClient, url: str) -> None:
    for answer in (ask(api, url, model="nobody"), api.get(f"{url}/none"), ask(anonymous_api, url)):
        assert answer.status_code in (401, 404)
        body = answer.json()
        assert ("error" in body) if url == OPENAI else (set(body) == {"status", "title", "detail"})
    assert ask(api, url, temperature=9).status_code == 400
    assert api.put(url).status_code == 405


def test_they_are_kept_for_thirty_days(api: APIClient) -> None:
    ask(api, OPENAI, store=True)
    assert services.forget_old() == 0
    StoredCompletion.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert services.forget_old() == 1
