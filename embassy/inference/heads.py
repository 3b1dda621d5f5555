"""Asks a trained head about one text: what classification and regression have in common."""

from dataclasses import dataclass
from typing import Any

import orjson

from embassy.deployments.routes import Route
from embassy.inference import fields
from embassy.inference.call import Call
from embassy.inference.delivery import ask
from embassy.inference.protocol import cache_salt
from embassy.inference.shapes import tokens_of


@dataclass(frozen=True, slots=True)
class Judgement:
    """`outputs` are the head's own, without an activation. `model` is as the request named it."""

    model: str
    route: Route
    outputs: list[float]
    prompt_tokens: int

    @property
    def usage(self) -> dict[str, Any]:
        tokens = self.prompt_tokens
        return {"completion_tokens": 0, "prompt_tokens": tokens, "total_tokens": tokens}


async def judge(call: Call, task: str) -> Judgement:
    """Of the body's `input` by its `model`, which must be one for this task."""
    model = fields.required(call.body, "model", fields.string)
    text = fields.required(call.body, "input", fields.string)
    organization = call.actor.organization_id
    route, answer = await ask(
        call, model, task, "/classify", lambda route: orjson.dumps(question(text, route, organization))
    )
    return Judgement(model, route, answer["data"][0]["probs"], tokens_of(answer.get("usage")).prompt)


def question(text: str, route: Route, organization_id: int) -> dict[str, Any]:
    """As the head was trained and tested: a user's turn, or where there is no chat template the bare text."""
    asked: dict[str, Any] = {
        "model": route.upstream_model,
        "use_activation": False,
        "cache_salt": cache_salt(route.cache_salt, organization_id),
    }
    if route.prompt_prefix is None:
        return asked | {"input": [text]}
    return asked | {"messages": [{"role": "user", "content": text}], "add_generation_prompt": True}
