"""The same endpoints through Django alone, as a WSGI server or Django's test client reaches them."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from embassy.deployments import selectors
from tests.factories.routes import make_base_route
from tests.fakes.fake_engine import WORDS, FakeEngine

PROMPT: dict[str, Any] = {"model": "tiny", "prompt": "The capital of France"}
CHAT: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}]}
BOTH = pytest.mark.parametrize(
    ("path", "body"), [("/v1/completions", PROMPT), ("/v1/chat/completions", CHAT)], ids=["text", "chat"]
)


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        monkeypatch.setattr(selectors, "routes", lambda: [make_base_route(engine.port)])
        yield engine


@BOTH
def test_answers(api: APIClient, path: str, body: Any) -> None:
    response = api.post(path, body, format="json", headers={"X-Request-Id": "mine-1"})

    assert response.status_code == 200
    assert response.json()["model"] == "tiny"
    assert response.headers["X-Request-Id"] == "mine-1"


def test_streams(api: APIClient) -> None:
    response = api.post("/v1/chat/completions", CHAT | {"stream": True}, format="json")

    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.content.count(b"data: ") == len(WORDS) + 1
    assert response.content.endswith(b"data: [DONE]\n\n")


@BOTH
def test_only_post_is_offered(api: APIClient, path: str, body: Any) -> None:
    for method in (api.get, api.put, api.patch, api.delete):
        response = method(path)
        assert response.status_code == 405
        assert response.json()["code"] == "method_not_allowed"


@BOTH
def test_needs_a_key(anonymous_api: APIClient, db: None, path: str, body: Any) -> None:
    assert anonymous_api.post(path, body, format="json").status_code == 401


@BOTH
def test_refuses_unknown_models_and_bad_bodies(api: APIClient, path: str, body: Any) -> None:
    assert api.post(path, body | {"model": "nobody"}, format="json").status_code == 404
    assert api.post(path, body | {"top_p": "x"}, format="json").status_code == 400
    assert api.post(path, "{", content_type="application/json").status_code == 400
