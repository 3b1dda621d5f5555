"""Requests of a real deployment: kept, read back, and made into a data set to train on."""

import pytest

from tests.e2e.live import LivePlatform
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

QUESTIONS = [
    "What is the capital of France?",
    "What is the capital of Spain?",
    "What is the capital of Italy?",
]
BASE = "tiny-llama-instruct"


def test_what_was_asked_can_be_learned(platform: LivePlatform) -> None:
    project = platform.create_project("logs")
    body = {"training_job_id": BASE, "checkpoint": 0, "name": "kept", "log_requests": True}
    created = platform.call("POST", f"/v1/projects/{project}/deployments", expect=201, json=body)
    deployment = f"/v1/projects/{project}/deployments/{created['id']}"
    platform.wait_for_deployment(project, created["id"])

    answers = {question: asked(platform, question) for question in QUESTIONS[:2]}
    answers[QUESTIONS[2]] = streamed(platform, QUESTIONS[2])
    wait_for(lambda: len(platform.call("GET", f"{deployment}/logs")["logs"]) == 3, "the logs")
    logs = platform.call("GET", f"{deployment}/logs")["logs"]
    assert {log["input"]: log["output"] for log in logs} == answers
    assert all(log["prompt_tokens"] and log["completion_tokens"] for log in logs)

    dataset = platform.call(
        "POST", f"{deployment}/logs/dataset", expect=201, json={"name": "kept", "only_successful": False}
    )
    assert dataset["rows"] == 3
    job = {"base_model": BASE, "train_dataset_id": dataset["id"]}
    estimate = platform.call("POST", f"/v1/projects/{project}/training-jobs/preflight", json=job)
    assert estimate["train_rows"] == 3

    off = platform.call("PATCH", deployment, json={"log_requests": False})
    assert off["log_requests"] is False
    asked(platform, QUESTIONS[0])
    assert platform.call("DELETE", f"{deployment}/logs") == {"deleted": 3}
    platform.call("DELETE", deployment, expect=204)


def asked(platform: LivePlatform, question: str) -> str:
    answer = platform.call("POST", "/v1/chat/completions", json=chat(question))
    return str(answer["choices"][0]["message"]["content"])


def streamed(platform: LivePlatform, question: str) -> str:
    """The answer as the bare base model gives it to a plain request: at temperature 0 it is the same."""
    body = chat(question) | {"stream": True}
    with platform.http.stream("POST", "/v1/chat/completions", json=body) as stream:
        assert list(stream.iter_lines())[-2:] == ["data: [DONE]", ""]
    return asked_elsewhere(platform, question)


def asked_elsewhere(platform: LivePlatform, question: str) -> str:
    answer = platform.call("POST", "/v1/chat/completions", json=chat(question) | {"model": BASE})
    return str(answer["choices"][0]["message"]["content"])


def chat(question: str) -> dict[str, object]:
    message = {"role": "user", "content": question}
    return {"model": "kept", "messages": [message], "temperature": 0, "max_tokens": 12}
