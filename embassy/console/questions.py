"""What a page asks a model → the gateway's address and body. Nothing else of a page's body is passed on."""

from typing import Any

import orjson

from embassy.inference.endpoints import CLASSIFICATION, EMBEDDING, REGRESSION, TEXT
from embassy.platform.errors import InvalidInput

CHAT, COMPLETION = "/v1/chat/completions", "/v1/completions"
SAMPLING = ("temperature", "top_p", "max_tokens", "seed", "stop", "response_format")
TAKEN = {
    CHAT: ("messages", "tools", *SAMPLING),
    COMPLETION: ("prompt", *SAMPLING),
    "/v1/classification": ("input",),
    "/v1/embeddings": ("input",),
    "/v1/regression": ("input",),
}
ADDED: dict[str, dict[str, Any]] = {
    # The counts come last, so that a page tells tokens and not events.
    CHAT: {"stream": True, "stream_options": {"include_usage": True}},
    COMPLETION: {"stream": True, "stream_options": {"include_usage": True}},
    "/v1/classification": {"data_format": "probs"},
}
PATHS = {CLASSIFICATION: "/v1/classification", EMBEDDING: "/v1/embeddings", REGRESSION: "/v1/regression"}


def parsed(given: bytes) -> dict[str, Any]:
    """Raises InvalidInput."""
    try:
        data = orjson.loads(given)
    except orjson.JSONDecodeError:
        raise InvalidInput("The body is not JSON.", code="malformed_body") from None
    if not isinstance(data, dict):
        raise InvalidInput("The body must be a JSON object.", code="malformed_body")
    return data


def path_for(task: str, data: dict[str, Any]) -> str:
    """A bare `prompt` is continued; `messages` are answered."""
    if task == TEXT:
        return COMPLETION if "prompt" in data else CHAT
    return PATHS[task]


def body_for(path: str, data: dict[str, Any], model: str) -> bytes:
    """For the model of the page, whatever the body says."""
    taken = {name: data[name] for name in TAKEN[path] if name in data}
    return orjson.dumps(taken | ADDED.get(path, {}) | {"model": model})
