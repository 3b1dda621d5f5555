"""POST /v1/testing-functions/{name}/dry-run and /v1/testing-functions/dry-run. Real sandboxes."""

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from embassy.evaluation import dry_run, models
from embassy.evaluation.sandbox import strength as strengths
from embassy.platform.actor import Actor
from tests.factories.evaluation import make_test_function, source

pytestmark = [pytest.mark.django_db, pytest.mark.processes]
UNSAVED = "/v1/testing-functions/dry-run"
SAVED = "/v1/testing-functions/vowels/dry-run"
ROWS = [
    {"input_text": "q", "expected_output": "1", "predicted_output": "1"},
    {"expected_output": "1", "predicted_output": "x"},
]


def test_stored_function(api: APIClient, actor: Actor) -> None:
    make_test_function(actor, content=source(body="print('seen')\nreturn 1 / int(predicted_output)"))
    answer = api.post(SAVED, {"rows": ROWS}, format="json")

    assert answer.status_code == 200
    report = answer.json()
    first, second = report["results"]
    assert (first["score"], first["reason"], first["output"]) == (1.0, "", "seen\n")
    assert second["score"] is None
    assert second["reason"] == "ValueError: invalid literal for int() with base 10: 'x' (line 3)"
    assert (report["name"], report["mean"]) == ("vowels", 0.5)
    assert report["seconds"] >= first["seconds"] >= 0
    assert report["sandbox"] in ("strong", "basic")


def test_unsaved_source_stays_unsaved(api: APIClient) -> None:
    body = {"content": "import numpy\n" + source("f"), "dependencies": ["numpy"], "rows": ROWS}
    answer = api.post(UNSAVED, body, format="json")

    assert [result["score"] for result in answer.json()["results"]] == [1.0, 0.0]
    assert not models.TestFunction.objects.exists()


def test_built_in_function(api: APIClient) -> None:
    answer = api.post("/v1/testing-functions/exact_match_shared/dry-run", {"rows": ROWS}, format="json")

    assert answer.json()["mean"] == 0.5


def test_function_that_never_ends_is_ended(api: APIClient, settings: Settings) -> None:
    settings.SANDBOX_SECONDS = 0.3
    body = {"content": source("f", "while True: pass\nreturn 0.0"), "rows": ROWS[:1]}
    answer = api.post(UNSAVED, body, format="json")

    assert answer.json()["results"][0]["reason"].startswith("TimeLimit: it took longer than 0.3 s")


def test_time_is_up_for_the_rows_that_are_left(
    api: APIClient, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(dry_run, "BUDGET_S", 0.0)
    answer = api.post(UNSAVED, {"content": source("f"), "rows": ROWS}, format="json")

    assert answer.json()["results"][1]["reason"].startswith("not tried")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rows": []},
        {"rows": ROWS * 11},
        {"rows": [{"expected_output": "1"}]},
        {"rows": [{"expected_output": 1, "predicted_output": {}}]},
        {"rows": "all"},
    ],
)
def test_bad_rows(api: APIClient, actor: Actor, body: dict[str, object]) -> None:
    make_test_function(actor)

    assert api.post(SAVED, body, format="json").status_code == 400
    assert api.post(UNSAVED, {"content": source(), **body}, format="json").status_code == 400


def test_source_is_checked_first(api: APIClient) -> None:
    answer = api.post(UNSAVED, {"content": "def f(:", "rows": ROWS}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_test_function")


def test_without_a_sandbox_nothing_runs(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    strengths.forget()
    monkeypatch.setattr(strengths, "_try", lambda level, policy, bwrap: "the kernel has no Landlock")
    try:
        answer = api.post(UNSAVED, {"content": source(), "rows": ROWS}, format="json")
    finally:
        strengths.forget()

    assert (answer.status_code, answer.json()["code"]) == (503, "sandbox_unavailable")
    assert "install bubblewrap" in answer.json()["error"]


def test_too_many_at_once(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_run, "_QUEUE_S", 0.01)
    for _ in range(dry_run.AT_A_TIME):
        assert dry_run._slots.acquire(blocking=False)
    try:
        answer = api.post(UNSAVED, {"content": source(), "rows": ROWS}, format="json")
    finally:
        dry_run._slots.release(dry_run.AT_A_TIME)

    assert answer.status_code == 429


def test_missing_other_tenant_wrong_method_no_key(
    api: APIClient, other_api: APIClient, anonymous_api: APIClient, actor: Actor
) -> None:
    make_test_function(actor)

    assert other_api.post(SAVED, {"rows": ROWS}, format="json").status_code == 404
    assert api.get(SAVED).status_code == 405
    assert anonymous_api.post(UNSAVED, {"rows": ROWS}, format="json").status_code == 401
