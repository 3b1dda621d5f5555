"""Answers as OpenAI writes them, and as the contract does, which knows fewer fields and no nulls."""

from collections.abc import Callable
from typing import Any

from embassy.deployments.routes import Route
from embassy.inference import shapes

Json = dict[str, Any]


def openai_chat(answer: Json, *, model: str, route: Route) -> Json:
    """As `/v1` gives it, but a message of nothing but tool calls has no text."""
    shaped = shapes.chat_completion(answer, model=model, route=route)
    for choice, theirs in zip(shaped["choices"], answer["choices"], strict=True):
        choice.pop("refusal")
        choice["message"] |= {"content": theirs["message"].get("content"), "annotations": []}
    return shaped


def openai_completion(answer: Json, *, model: str, route: Route) -> Json:
    shaped = shapes.completion(answer, model=model, route=route)
    shaped["usage"].pop("prompt_tokens_details")
    for choice in shaped["choices"]:
        del choice["prompt_logprobs"], choice["stop_reason"]
    return shaped


def contract_chat(answer: Json, *, model: str, route: Route) -> Json:
    return _contract(answer, "chat.completion", model, _contract_choice)


def contract_completion(answer: Json, *, model: str, route: Route) -> Json:
    return _contract(answer, "text_completion", model, _contract_text)


def contract_chunk(chunk: Json, *, model: str) -> Json:
    """One event of a chat's stream; a choice that goes on has an empty reason to end."""
    return _contract(chunk, "chat.completion.chunk", model, _contract_delta)


def contract_stored(stored: Json) -> Json:
    """A stored chat's answer, which was kept as OpenAI writes it."""
    return _contract(stored, stored["object"], stored["model"], _contract_choice)


def token_logprobs(legacy: Json) -> Json:
    """A completion's four lists as a chat's list of tokens."""
    tops = legacy.get("top_logprobs") or [{} for _ in legacy["tokens"]]
    rows = zip(legacy["tokens"], legacy["token_logprobs"], tops, strict=True)
    content = [_token(token, value) | {"top_logprobs": _tops(top)} for token, value, top in rows]
    return {"content": content}


def _contract(answer: Json, kind: str, model: str, shape: Callable[[Json], Json]) -> Json:
    return {
        "id": answer["id"],
        "object": kind,
        "created": answer["created"],
        "model": model,
        "choices": [shape(choice) for choice in answer["choices"]],
    }


def _contract_choice(choice: Json) -> Json:
    said = choice["message"]
    message: Json = {"role": "assistant"}
    message |= {name: said[name] for name in ("content", "tool_calls") if said.get(name)}
    if len(message) == 1:
        message["content"] = ""
    shaped = {"index": choice["index"], "message": message}
    return shaped | {"finish_reason": choice.get("finish_reason") or "stop"} | _logprobs(choice)


def _contract_text(choice: Json) -> Json:
    shaped = {"index": choice["index"], "text": choice["text"]}
    shaped |= {"finish_reason": choice.get("finish_reason") or "stop"}
    legacy = choice.get("logprobs")
    return shaped | ({"logprobs": token_logprobs(legacy)} if legacy else {})


def _contract_delta(choice: Json) -> Json:
    known = ("content", "refusal", "role", "tool_calls")
    delta = {name: choice["delta"][name] for name in known if choice["delta"].get(name) is not None}
    shaped = {"index": choice["index"], "delta": delta}
    return shaped | {"finish_reason": choice.get("finish_reason") or ""} | _logprobs(choice)


def _logprobs(choice: Json) -> Json:
    content = (choice.get("logprobs") or {}).get("content")
    return {"logprobs": {"content": content}} if content else {}


def _token(token: str, logprob: float | None) -> Json:
    # The first token of an echoed prompt has none.
    return {"token": token, "bytes": list(token.encode()), "logprob": 0.0 if logprob is None else logprob}


def _tops(top: dict[str, float] | None) -> list[Json]:
    return [_token(token, value) for token, value in (top or {}).items()]
