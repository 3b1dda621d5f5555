"""What vLLM says, and what the person who asked is told."""

import orjson
import pytest

from embassy.inference import errors
from embassy.platform.errors import InvalidInput, Unavailable

LIMIT = "This model's maximum context length is 1024 tokens. However, your prompt contains "
TOO_LONG = [
    (
        LIMIT + "1300 input tokens, which exceeds this limit even without any output tokens.",
        "has 1300 tokens",
    ),
    (LIMIT + "at least 1025 input tokens, which exceeds this limit.", "has at least 1025 tokens"),
    (LIMIT + "90000 characters (more than 9000 characters, which is the upper bound", "has 90000 characters"),
]


def body(message: str) -> bytes:
    return orjson.dumps(
        {"error": {"message": message, "type": "BadRequestError", "param": None, "code": 400}}
    )


@pytest.mark.parametrize(("message", "said"), TOO_LONG)
def test_too_long_a_prompt(message: str, said: str) -> None:
    error = errors.of_answer(400, body(message), model="support")

    assert isinstance(error, InvalidInput)
    assert error.code == "context_length_exceeded"
    assert said in error.message
    assert "1024 tokens" in error.message


def test_too_many_tokens_asked_for() -> None:
    said = "max_tokens=5000 cannot be greater than max_model_len=1024. Please request fewer output tokens."

    error = errors.of_answer(400, body(said), model="support")

    assert error.code == "context_length_exceeded"
    assert error.details == {"context_length": 1024}


def test_another_refusal_keeps_the_engines_words() -> None:
    error = errors.of_answer(400, body("Invalid grammar."), model="support")

    assert (error.status, error.message) == (400, "Invalid grammar.")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": null}', b'{"detail": "x"}'])
def test_any_body_is_survived(body: bytes) -> None:
    assert errors.of_answer(400, body, model="support").status == 400


@pytest.mark.parametrize(
    ("status", "code"), [(503, "engine_busy"), (429, "engine_busy"), (500, "engine_failed")]
)
def test_what_may_pass_says_when_to_come_back(status: int, code: str) -> None:
    error = errors.of_answer(status, b"", model="support", retry_after="7")

    assert isinstance(error, Unavailable)
    assert error.code == code
    assert error.retry_after == (7 if code == "engine_busy" else errors.FAILED_RETRY_S)


def test_failures_told_by_an_event() -> None:
    refused = b'data: {"error":{"message":"Invalid grammar.","code":400}}'
    died = b'data: {"error":{"message":"EngineCore died","code":500}}'

    assert errors.failure_in_stream(refused, model="support").status == 400
    assert errors.failure_in_stream(died, model="support").code == "engine_lost"
    assert errors.failure_in_stream(b"data: {", model="support").code == "engine_lost"
