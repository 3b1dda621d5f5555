"""`/v1/embeddings`: vectors of texts, in OpenAI's form, or of two texts with how near they are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from embassy.deployments.routes import Route
from embassy.inference import fields
from embassy.inference.call import Call
from embassy.inference.delivery import ask
from embassy.inference.endpoints import EMBEDDING
from embassy.inference.protocol import cache_salt
from embassy.inference.shapes import tokens_of
from embassy.platform.ids import new_id

MAX_TEXTS = 256
MAX_DIMENSIONS = 65_536
ENCODINGS = ("float", "base64")

Vector = Sequence[float]


def texts(name: str, value: Any) -> list[Any]:
    """One text or a list of them, or token ids or lists of those."""
    single = isinstance(value, str) or (
        isinstance(value, list) and bool(value) and fields.is_token_id(value[0])
    )
    given = [value] if single else value
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_TEXTS or not _all_alike(given):
        raise fields.wrong(
            name, f"a text, token ids, or a list of at most {MAX_TEXTS} of either; none of them empty"
        )
    return given


OPTIONS: fields.Table = {
    "target": fields.string,
    "cosine": fields.boolean,
    "manhattan": fields.boolean,
    "euclidean": fields.boolean,
    "encoding_format": fields.one_of(*ENCODINGS),
    "dimensions": fields.integer(1, MAX_DIMENSIONS),
}


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """`texts` are what the engine is asked about; of a comparison the target is the second."""

    model: str
    texts: list[Any]
    options: dict[str, Any]

    @property
    def is_comparison(self) -> bool:
        return "target" in self.options

    @property
    def encoding(self) -> str:
        return "float" if self.is_comparison else self.options.get("encoding_format", ENCODINGS[0])


async def embed(call: Call) -> None:
    request = read(call.body)
    organization = call.actor.organization_id
    _, answer = await ask(
        call,
        request.model,
        EMBEDDING,
        "/v1/embeddings",
        lambda route: for_engine(request, route, organization),
    )
    shaped = comparison(answer, request.options) if request.is_comparison else listing(answer, request.model)
    await call.exchange.answer(200, orjson.dumps(shaped))


def read(body: dict[str, Any]) -> EmbeddingRequest:
    model = fields.required(body, "model", fields.string)
    options = fields.chosen(body, OPTIONS)
    if "target" not in options:
        return EmbeddingRequest(model, fields.required(body, "input", texts), options)
    compared = fields.required(body, "input", fields.string)
    return EmbeddingRequest(model, [compared, options["target"]], options)


def for_engine(request: EmbeddingRequest, route: Route, organization_id: int) -> bytes:
    body = {
        "model": route.upstream_model,
        "input": request.texts,
        "encoding_format": request.encoding,
        "cache_salt": cache_salt(route.cache_salt, organization_id),
    }
    if "dimensions" in request.options:  # the engine refuses models that were not trained to be cut
        body["dimensions"] = request.options["dimensions"]
    return orjson.dumps(body)


def comparison(answer: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """The cosine is there unless it is not wanted; the distances only if they are."""
    one, other = (entry["embedding"] for entry in answer["data"])
    measures: dict[str, Any] = {"input_embedding": one, "target_embedding": other}
    if options.get("cosine", True):
        measures["cosine_score"] = cosine(one, other)
    if options.get("manhattan"):
        measures["manhattan_distance"] = sum(abs(a - b) for a, b in zip(one, other, strict=True))
    if options.get("euclidean"):
        measures["euclidean_distance"] = math.dist(one, other)
    return {"id": new_id("rq-"), "response": measures}


def listing(answer: dict[str, Any], model: str) -> dict[str, Any]:
    tokens = tokens_of(answer.get("usage")).prompt
    data = [
        {"object": "embedding", "index": index, "embedding": entry["embedding"]}
        for index, entry in enumerate(answer["data"])
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def cosine(one: Vector, other: Vector) -> float:
    """Of the angle between two vectors; 0 if one has no direction."""
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else 0.0


def _all_alike(given: list[Any]) -> bool:
    return all(map(_is_text, given)) or all(map(_is_tokens, given))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(fields.is_token_id, value))
