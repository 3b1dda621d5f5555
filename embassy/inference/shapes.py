"""An engine's answers as the API promises them: every listed property is there, and nothing else."""

from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from embassy.deployments.routes import Route

Json = dict[str, Any]


class Tokens(NamedTuple):
    """What one answer cost."""

    prompt: int
    completion: int


NOTHING = Tokens(0, 0)


def tokens_of(usage: Json | None) -> Tokens:
    if not usage:
        return NOTHING
    return Tokens(usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)


def completion(answer: Json, *, model: str, route: Route) -> Json:
    return {
        "id": answer["id"],
        "object": "text_completion",
        "created": answer["created"],
        "model": model,
        "choices": [_completion_choice(choice) for choice in answer["choices"]],
        "usage": _counts(answer.get("usage") or {}) | {"prompt_tokens_details": None},
    }


def chat_completion(answer: Json, *, model: str, route: Route) -> Json:
    return {
        "id": answer["id"],
        "object": "chat.completion",
        "created": answer["created"],
        "model": model,
        "choices": [_chat_choice(choice) for choice in answer["choices"]],
        "usage": _detailed(answer.get("usage") or {}),
        "service_tier": "default",
        "system_fingerprint": fingerprint(route.engine_id, route.upstream_model),
    }


@lru_cache(maxsize=4096)
def fingerprint(engine_id: str | None, upstream_model: str) -> str:
    """Changes with the weights that answered."""
    return "fp_" + sha256(f"{engine_id}:{upstream_model}".encode()).hexdigest()[:10]


def _completion_choice(choice: Json) -> Json:
    stop_reason = choice.get("stop_reason")
    return {
        "index": choice["index"],
        "text": choice["text"],
        "logprobs": choice.get("logprobs"),
        "prompt_logprobs": None,
        "stop_reason": None if stop_reason is None else str(stop_reason),
        "finish_reason": choice.get("finish_reason") or "stop",
    }


def _chat_choice(choice: Json) -> Json:
    return {
        "index": choice["index"],
        "message": _message(choice["message"]),
        "logprobs": choice.get("logprobs"),
        "refusal": None,
        "finish_reason": choice.get("finish_reason") or "stop",
    }


def _message(message: Json) -> Json:
    """The text of a message that is nothing but calls is empty: the API promises a string."""
    shaped: Json = {"role": "assistant", "content": message.get("content") or "", "refusal": None}
    if calls := message.get("tool_calls"):
        shaped["tool_calls"] = calls
    return shaped


def _counts(usage: Json) -> Json:
    tokens = tokens_of(usage)
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.prompt + tokens.completion,
    }


def _detailed(usage: Json) -> Json:
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return {
        **_counts(usage),
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
