"""Answers have every property that the contract lists, whatever the engine left out."""

from typing import Any

from embassy.inference import shapes
from tests.factories.routes import make_route

ROUTE = make_route()
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


def chat(message: dict[str, Any], **answer: Any) -> Any:
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = {"id": "chatcmpl-1", "created": 1, "choices": [choice], **answer}
    return shapes.chat_completion(whole, model="support", route=ROUTE)


def test_a_chat_without_usage_has_zeros() -> None:
    usage = chat({"content": "Hi"})["usage"]

    assert (usage["prompt_tokens"], usage["total_tokens"]) == (0, 0)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 0


def test_cached_tokens_are_passed_on() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 8}}

    assert chat({"content": "Hi"}, usage=usage)["usage"]["prompt_tokens_details"]["cached_tokens"] == 8


def test_a_message_of_calls_has_an_empty_text() -> None:
    assert chat({"content": None})["choices"][0]["message"]["content"] == ""
    message = chat({"content": None, "tool_calls": [CALL]})["choices"][0]["message"]
    assert message["content"] == ""
    assert message["tool_calls"] == [CALL]
    assert "tool_calls" not in chat({"content": "Hi", "tool_calls": []})["choices"][0]["message"]


def test_a_stop_token_is_told_as_a_string() -> None:
    choice = {"index": 0, "text": "Hi", "stop_reason": 128009, "finish_reason": "stop"}
    whole = {"id": "cmpl-1", "created": 1, "choices": [choice]}

    answer = shapes.completion(whole, model="support", route=ROUTE)

    assert answer["choices"][0]["stop_reason"] == "128009"


def test_the_fingerprint_tells_weights_apart() -> None:
    assert shapes.fingerprint("engine-1", "dp-1-v1") == shapes.fingerprint("engine-1", "dp-1-v1")
    assert shapes.fingerprint("engine-1", "dp-1-v1") != shapes.fingerprint("engine-1", "dp-1-v2")
