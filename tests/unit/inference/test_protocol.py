"""What a request may say, and what of it reaches an engine."""

from typing import Any

import orjson
import pytest

from embassy.inference import protocol
from embassy.platform.errors import InvalidInput
from tests.factories.routes import make_base_route, make_route

PROMPT: dict[str, Any] = {"model": "tiny", "prompt": "Hello"}
CHAT: dict[str, Any] = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}]}
FUNCTION = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}

WRONG_IN_BOTH = [
    ({"model": None}, "model"),
    ({"model": 7}, "model"),
    ({"model": ""}, "model"),
    ({"temperature": "hot"}, "temperature"),
    ({"temperature": True}, "temperature"),
    ({"temperature": 2.1}, "temperature"),
    ({"top_p": 0}, "top_p"),
    ({"top_k": 1.5}, "top_k"),
    ({"min_p": 2}, "min_p"),
    ({"n": 0}, "n"),
    ({"n": 17}, "n"),
    ({"seed": "1"}, "seed"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": True}, "max_tokens"),
    ({"max_completion_tokens": "9"}, "max_completion_tokens"),
    ({"stop": [""]}, "stop"),
    ({"stop": ["a"] * 17}, "stop"),
    ({"stop": 3}, "stop"),
    ({"presence_penalty": 3}, "presence_penalty"),
    ({"frequency_penalty": "x"}, "frequency_penalty"),
    ({"logit_bias": {"x": 1}}, "logit_bias"),
    ({"stream": "yes"}, "stream"),
    ({"stream_options": 1}, "stream_options"),
    ({"stream_options": {"include_usage": 1}}, "include_usage"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ({"echo": True}, "echo"),
    ({"suffix": "x"}, "suffix"),
    ({"best_of": 3}, "best_of"),
    ({"functions": [{}]}, "functions"),
    ({"stop_token_ids": 1}, "stop_token_ids"),
    ({"stop_token_ids": [-1]}, "stop_token_ids"),
    ({"stop_token_ids": [True]}, "stop_token_ids"),
    ({"stop_token_ids": [1] * 65}, "stop_token_ids"),
    ({"bad_words": "x"}, "bad_words"),
    ({"bad_words": [""]}, "bad_words"),
    ({"min_tokens": -1}, "min_tokens"),
    ({"min_tokens": "1"}, "min_tokens"),
    ({"ignore_eos": 1}, "ignore_eos"),
    ({"include_stop_str_in_output": "yes"}, "include_stop_str_in_output"),
    ({"skip_special_tokens": 0}, "skip_special_tokens"),
]
WRONG_IN_PROMPTS = [
    ({"prompt": None}, "prompt"),
    ({"prompt": ""}, "prompt"),
    ({"prompt": {}}, "prompt"),
    ({"prompt": []}, "prompt"),
    ({"prompt": ["a", 1]}, "prompt"),
    ({"prompt": [1, -1]}, "prompt"),
    ({"prompt": [[]]}, "prompt"),
    ({"prompt": ["a"] * 129}, "prompt"),
    ({"prompt": ["a"] * 20, "n": 7}, "n"),
    ({"logprobs": 21}, "logprobs"),
    ({"logprobs": True}, "logprobs"),
]
WRONG_IN_CHATS = [
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "Hello"}, "messages"),
    ({"messages": ["Hello"]}, "messages.0"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
    ({"messages": [{"role": "user"}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": 1}]}, "messages.0.content"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content.0.type"),
    ({"logprobs": 3}, "logprobs"),
    ({"top_logprobs": 21}, "top_logprobs"),
    ({"tools": {}}, "tools"),
    ({"tools": [{"type": "code"}]}, "tools.0.type"),
    ({"tools": [{"type": "function", "function": {}}]}, "tools.0.function.name"),
    ({"tool_choice": "maybe"}, "tool_choice"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG_IN_BOTH + WRONG_IN_PROMPTS)
def test_a_prompt_with_a_wrong_field_is_told_which(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput, match=f"`{field}`"):
        protocol.completion(PROMPT | changes)


@pytest.mark.parametrize(("changes", "field"), WRONG_IN_BOTH + WRONG_IN_CHATS)
def test_a_chat_with_a_wrong_field_is_told_which(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput, match=f"`{field}`"):
        protocol.chat(CHAT | changes)


def sent(request: protocol.TextRequest, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(protocol.for_engine(request, make_base_route(1, **changes), 5))
    return body


def test_only_what_is_allowed_reaches_the_engine() -> None:
    dangerous = {
        "prompt_logprobs": 1,
        "truncate_prompt_tokens": 1,
        "priority": -9,
        "chat_template": "x",
        "cache_salt": "theirs",
        "kv_transfer_params": {},
        "vllm_xargs": {},
        "request_id": "x",
        "user": "me",
    }

    assert sent(protocol.completion(PROMPT | dangerous)).keys() == {"model", "prompt", "cache_salt"}
    assert sent(protocol.chat(CHAT | dangerous)).keys() == {"model", "messages", "cache_salt"}


def test_what_users_of_vllm_know_goes_through() -> None:
    known = {
        "stop_token_ids": [7],
        "include_stop_str_in_output": True,
        "skip_special_tokens": False,
        "min_tokens": 3,
        "ignore_eos": True,
        "bad_words": ["no"],
    }
    assert protocol.completion(PROMPT | known).options == known
    assert protocol.chat(CHAT | known).options.items() >= known.items()


def test_no_tools_are_no_tools() -> None:
    options = protocol.chat(CHAT | {"tools": [], "tool_choice": "auto"}).options
    assert options.keys() == {"messages"}


def test_as_many_answers_as_choices_is_no_search() -> None:
    assert protocol.completion(PROMPT | {"best_of": 1}).options == {}
    assert protocol.completion(PROMPT | {"best_of": 2, "n": 2}).options == {"n": 2}
    assert len(protocol.completion(PROMPT | {"prompt": ["a"] * 8, "n": 16}).prompt or "") == 8


def test_null_is_absent() -> None:
    request = protocol.completion(PROMPT | {"temperature": None, "stop": None, "stream": None})

    assert request.options == {}
    assert not request.is_stream


def test_both_names_of_the_limit_are_understood_and_the_newer_one_wins() -> None:
    assert protocol.completion(PROMPT | {"max_tokens": 3}).max_tokens == 3
    assert protocol.chat(CHAT | {"max_completion_tokens": 4}).max_tokens == 4
    assert protocol.chat(CHAT | {"max_tokens": 3, "max_completion_tokens": 4}).max_tokens == 4


def test_a_stream_always_asks_for_usage_and_remembers_whether_the_client_did() -> None:
    request = protocol.chat(CHAT | {"stream": True})

    assert sent(request)["stream_options"] == {"include_usage": True}
    assert not request.wants_usage
    assert protocol.chat(CHAT | {"stream": True, "stream_options": {"include_usage": True}}).wants_usage


def test_text_parts_become_one_text() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]

    request = protocol.chat(CHAT | {"messages": [{"role": "user", "content": parts}]})

    assert request.options["messages"] == [{"role": "user", "content": "Hello"}]


def test_tools_and_their_calls_are_rebuilt() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}, "index": 0}
    messages = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]

    options = protocol.chat(CHAT | {"messages": messages, "tools": [FUNCTION], "tool_choice": "auto"}).options

    assert options["tools"] == [FUNCTION]
    assert options["messages"][0]["tool_calls"][0].keys() == {"id", "type", "function"}
    assert "content" not in options["messages"][0]
    assert options["messages"][1]["tool_call_id"] == "c1"


def test_a_deployments_prompt_is_dressed_as_in_training() -> None:
    route = make_route(1, prompt_prefix="<q>", prompt_suffix="<a>")

    def prompt_sent(prompt: Any) -> Any:
        return orjson.loads(protocol.for_engine(protocol.completion(PROMPT | {"prompt": prompt}), route, 5))

    assert prompt_sent("x") | {"cache_salt": ""} == {
        "model": "dp-1-v1",
        "prompt": "<q>x<a>",
        "add_special_tokens": False,
        "cache_salt": "",
        "max_tokens": 1024,
    }
    assert prompt_sent(["x", "y"])["prompt"] == ["<q>x<a>", "<q>y<a>"]
    assert prompt_sent([1, 2])["prompt"] == [1, 2]


def test_organizations_do_not_share_a_cache() -> None:
    assert protocol.cache_salt("salt", 1) != protocol.cache_salt("salt", 2)
    assert protocol.cache_salt("salt", 1) == protocol.cache_salt("salt", 1)
