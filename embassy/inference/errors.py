"""What an engine's failure means to the person who sent the request."""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson

from embassy.platform.errors import EmbassyError, InvalidInput, NotFound, Unavailable

BUSY_RETRY_S = 1.0
FAILED_RETRY_S = 2.0

CONTEXT = re.compile(
    r"maximum context length is (\d+) tokens.*?contains (at least )?(\d+) (input tokens|characters)"
)
OUTPUT_LIMIT = re.compile(r"(max_\w*tokens)=(\d+) cannot be greater than \w+=(\d+)")


class EngineTimeout(EmbassyError):
    """The engine took the request and said nothing for too long."""

    status = 504
    code = "engine_timeout"


class EngineNotReached(Exception):
    """Nobody at the route's address took the request: the route has changed or is about to."""


class EngineGone(Exception):
    """The engine took the request and went away before it answered."""


def engine_lost() -> Unavailable:
    return Unavailable(
        "The engine stopped while it answered. Send the request again: it is started anew.",
        code="engine_lost",
        retry_after=FAILED_RETRY_S,
    )


def unknown_model(model: str) -> NotFound:
    return NotFound(
        f"There is no model {model!r}. List the base models with GET /v1/models, and your deployments "
        "with GET /v1/projects/{project_id}/deployments.",
        code="model_not_found",
    )


def wrong_endpoint(model: str, task: str, addresses: Sequence[str]) -> InvalidInput:
    asks = " or ".join(f"POST {address}" for address in addresses)
    return InvalidInput(f"{model} is a model for {task}. Ask it with {asks}.", code="wrong_endpoint")


def of_answer(status: int, body: bytes, *, model: str, retry_after: str | None = None) -> EmbassyError:
    """The error that an engine's answer with a status of 400 and more stands for."""
    if status in (400, 413, 422):
        return of_refusal(message_of(body), model=model)
    if status in (429, 503):
        return Unavailable(
            f"{model} is busy: too many requests wait for it already. Try again in a moment.",
            code="engine_busy",
            retry_after=seconds(retry_after) or BUSY_RETRY_S,
        )
    return Unavailable(
        f"The engine of {model} could not answer. Try again in a few seconds.",
        code="engine_failed",
        retry_after=FAILED_RETRY_S,
    )


def failure_in_stream(event: bytes, *, model: str) -> EmbassyError:
    """The error that an engine told by an event of its stream."""
    data = event.removeprefix(b"data:").strip()
    status: Any = None
    with suppress(orjson.JSONDecodeError):
        error = orjson.loads(data).get("error")
        status = error.get("code") if isinstance(error, dict) else None
    if isinstance(status, int) and 400 <= status < 500:
        return of_answer(status, data, model=model)
    return engine_lost()


def of_refusal(message: str, *, model: str) -> InvalidInput:
    """The engine found the request itself wrong; `message` is its own sentence."""
    if found := CONTEXT.search(message):
        return context_exceeded(model, int(found[1]), int(found[3]), found[4], at_least=bool(found[2]))
    if found := OUTPUT_LIMIT.search(message):
        return InvalidInput(
            f"{model} reads and writes {found[3]} tokens in all, so {found[1]} cannot be {found[2]}. "
            "Ask for fewer.",
            code="context_length_exceeded",
            details={"context_length": int(found[3])},
        )
    return InvalidInput(message or f"The engine of {model} refused this request.", code="refused_by_engine")


def context_exceeded(model: str, limit: int, size: int, unit: str, *, at_least: bool) -> InvalidInput:
    words = "characters" if unit == "characters" else "tokens"
    return InvalidInput(
        f"The prompt has {'at least ' if at_least else ''}{size} {words}, but {model} reads and writes "
        f"{limit} tokens in all. Shorten the prompt.",
        code="context_length_exceeded",
        details={"context_length": limit, f"prompt_{words}": size},
    )


def message_of(body: bytes) -> str:
    """The sentence in an engine's error body; empty if there is none."""
    try:
        data: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    error = data.get("error", data) if isinstance(data, dict) else {}
    message = error.get("message", "") if isinstance(error, dict) else error
    return str(message).strip()


def seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdigit() else None
