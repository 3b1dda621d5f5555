"""One authenticated request with its body read: what an endpoint works on."""

from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings

from embassy.inference.backend import Backend
from embassy.inference.exchange import Exchange
from embassy.inference.spending import Spent
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput
from embassy.platform.exception_handler import UnsupportedMediaType

MAX_WAKE_TIMEOUT = 900.0  # seconds


@dataclass(frozen=True, slots=True)
class Call:
    """`wake_timeout` is how many seconds this request is willing to wait for a model to start.

    What becomes known of it is written into `spent`.
    """

    backend: Backend
    exchange: Exchange
    actor: Actor
    body: dict[str, Any]
    wake_timeout: float
    spent: Spent


async def json_body(exchange: Exchange) -> dict[str, Any]:
    kind = exchange.header(b"content-type")
    if kind and not _is_json(kind):
        raise UnsupportedMediaType(f"Send the body as application/json, not as {kind}.")
    body = await exchange.body()
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The body is not JSON: {error}", code="malformed_body") from None
    if not isinstance(data, dict):
        raise InvalidInput("The body must be a JSON object.", code="malformed_body")
    return data


def wake_timeout(exchange: Exchange) -> float:
    header = exchange.header(b"x-scale-up-timeout")
    if header is None:
        return float(settings.WAKE_TIMEOUT_SECONDS)
    try:
        seconds = float(header)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_WAKE_TIMEOUT:
        raise InvalidInput(
            f"X-Scale-Up-Timeout must be a number of seconds from 0 to {MAX_WAKE_TIMEOUT:.0f}."
        )
    return seconds


def _is_json(kind: str) -> bool:
    media_type = kind.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")
