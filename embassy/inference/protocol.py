"""Requests for text: checked once, then rebuilt for the engine from what is allowed.

Nothing reaches an engine that is not listed here: some of what vLLM takes from anybody would let one
tenant delay, read or stop the work of others.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from embassy.deployments.routes import Route
from embassy.inference import fields, messages, structure
from embassy.platform.errors import InvalidInput

Prompt = str | list[str] | list[int] | list[list[int]]

MAX_CHOICES = 16
MAX_PROMPTS = 128
MAX_ANSWERS = 128  # prompts times choices
MAX_LOGPROBS = 20
INT64 = 2**63 - 1

SAMPLING: fields.Table = {
    "temperature": fields.number(0, 2),
    "top_p": fields.positive(1),
    "top_k": fields.integer(-1, INT64),
    "min_p": fields.number(0, 1),
    "n": fields.integer(1, MAX_CHOICES),
    "seed": fields.integer(-INT64, INT64),
    "stop": fields.stop,
    "presence_penalty": fields.number(-2, 2),
    "frequency_penalty": fields.number(-2, 2),
    "repetition_penalty": fields.positive(2),
    "logit_bias": fields.logit_bias,
    "stop_token_ids": fields.token_ids,
    "include_stop_str_in_output": fields.boolean,
    "skip_special_tokens": fields.boolean,
    "min_tokens": fields.integer(0, INT64),
    "ignore_eos": fields.boolean,
    "bad_words": fields.strings,
    **structure.STRUCTURE,
}
ROUTINE: fields.Table = {
    "max_tokens": fields.count,
    "max_completion_tokens": fields.count,
    "stream": fields.boolean,
    "stream_options": fields.mapping,
}
COMPLETION: fields.Table = SAMPLING | ROUTINE | {"logprobs": fields.integer(0, MAX_LOGPROBS)}
CHAT: fields.Table = (
    SAMPLING
    | ROUTINE
    | {
        "logprobs": fields.boolean,
        "top_logprobs": fields.integer(0, MAX_LOGPROBS),
        "tools": messages.tools,
        "tool_choice": messages.tool_choice,
        "parallel_tool_calls": fields.boolean,
    }
)
STREAM_WITH_USAGE = {"include_usage": True}

# What other servers know under these names, and what to do here; saying nothing would give wrong answers.
NOT_OFFERED = {
    "echo": "leave it out",
    "suffix": "leave it out",
    "use_beam_search": "leave it out",
    "functions": "give `tools`",
    "function_call": "give `tool_choice`",
    "structural_tag": "give `response_format` or `structured_outputs`",
}


@dataclass(frozen=True, slots=True)
class TextRequest:
    """`options` go to the engine as they are; `prompt` is None for a chat, whose messages are options.

    With `metadata` the chat is to be stored; it never reaches the engine.
    """

    model: str
    prompt: Prompt | None
    options: dict[str, Any]
    max_tokens: int | None
    is_stream: bool
    wants_usage: bool
    metadata: dict[str, str] | None = None


def completion(body: dict[str, Any]) -> TextRequest:
    model = fields.required(body, "model", fields.string)
    asked = fields.required(body, "prompt", prompt)
    return _request(body, model, asked, fields.chosen(body, COMPLETION))


def chat(body: dict[str, Any]) -> TextRequest:
    model = fields.required(body, "model", fields.string)
    if body.get("tools") == []:  # some clients always send them
        body = {name: value for name, value in body.items() if name not in ("tools", "tool_choice")}
    options = {"messages": fields.required(body, "messages", messages.messages), **fields.chosen(body, CHAT)}
    return _request(body, model, None, options)


def for_engine(request: TextRequest, route: Route, organization_id: int) -> bytes:
    """The body for this route's engine."""
    body: dict[str, Any] = {"model": route.upstream_model, **request.options}
    body["cache_salt"] = cache_salt(route.cache_salt, organization_id)
    if request.prompt is not None:
        body |= _dressed(request.prompt, route)
    limit = request.max_tokens
    if limit is None and request.prompt is not None and route.kind == "deployment":
        limit = route.context_length  # until it stops by itself; a bare base model would go on and on
    if limit is not None:
        body["max_tokens"] = limit
    if request.is_stream:
        body["stream"] = True
        body["stream_options"] = STREAM_WITH_USAGE
    return orjson.dumps(body)


def prompt(name: str, value: Any) -> Prompt:
    """A text or token ids, or a list of either."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, list) and value:
        if _all_integers(value):
            return value
        if len(value) <= MAX_PROMPTS and (_all_texts(value) or all(_is_tokens(entry) for entry in value)):
            return value
    raise fields.wrong(
        name, f"a text, token ids, or a list of at most {MAX_PROMPTS} of either; none of them empty"
    )


@lru_cache(maxsize=4096)
def cache_salt(base: str, organization_id: int) -> str:
    """Keeps the engines' prefix caches of two organizations apart: a hit would tell what others asked."""
    return sha256(f"{base}:{organization_id}".encode()).hexdigest()[:32]


def _request(body: dict[str, Any], model: str, asked: Prompt | None, options: dict[str, Any]) -> TextRequest:
    _check_offered(body)
    _check_answers(asked, options)
    options = structure.settled(options)
    older, newer = options.pop("max_tokens", None), options.pop("max_completion_tokens", None)
    stream_options = options.pop("stream_options", None)
    return TextRequest(
        model=model,
        prompt=asked,
        is_stream=options.pop("stream", False),
        max_tokens=older if newer is None else newer,
        wants_usage=stream_options is not None and _wants_usage(stream_options),
        options=options,
    )


def _check_offered(body: dict[str, Any]) -> None:
    for name, instead in NOT_OFFERED.items():
        if body.get(name):
            raise InvalidInput(f"`{name}` is not offered here: {instead}.", details={"field": name})
    if body.get("best_of") not in (None, body.get("n") or 1):
        raise InvalidInput("`best_of` is not offered here: give `n`.", details={"field": "best_of"})


def _check_answers(asked: Prompt | None, options: dict[str, Any]) -> None:
    """One request must not fill an engine's queue by itself."""
    prompts = len(asked) if isinstance(asked, list) and not isinstance(asked[0], int) else 1
    if prompts * options.get("n", 1) > MAX_ANSWERS:
        raise fields.wrong("n", f"at most {MAX_ANSWERS // prompts} with {prompts} prompts")


def _wants_usage(stream_options: dict[str, Any]) -> bool:
    chosen = fields.chosen(stream_options, {"include_usage": fields.boolean})
    return bool(chosen.get("include_usage", False))


def _dressed(asked: Prompt, route: Route) -> dict[str, Any]:
    before, after = route.prompt_prefix, route.prompt_suffix
    if before is None or after is None:
        return {"prompt": asked}
    if isinstance(asked, str):
        return {"prompt": f"{before}{asked}{after}", "add_special_tokens": False}
    if isinstance(asked[0], str):
        return {"prompt": [f"{before}{text}{after}" for text in asked], "add_special_tokens": False}
    return {"prompt": asked}  # token ids are dressed already


def _all_integers(value: list[Any]) -> bool:
    return all(type(entry) is int and entry >= 0 for entry in value)


def _all_texts(value: list[Any]) -> bool:
    return all(isinstance(entry, str) and entry for entry in value)


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and _all_integers(value)
