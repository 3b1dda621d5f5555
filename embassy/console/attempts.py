"""Wrong passwords, counted in Redis so that every web process knows: guessing one is made slow."""

import hashlib
import logging
from collections.abc import Iterable

import redis.exceptions

from embassy.platform import notify
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

WINDOW_S = 15 * 60
FROM_ONE_PLACE = 10
FROM_ANYWHERE = 100  # higher, because it also keeps the account's owner out


def is_blocked(email: str, address: str) -> bool:
    """While Redis is away nobody is: signing in must not depend on it."""
    try:
        with notify.connect() as client:
            counts = [int(count or 0) for count in client.mget(_keys(email, address))]
    except redis.exceptions.RedisError as error:
        _warn(error)
        return False
    return counts[0] >= FROM_ONE_PLACE or counts[1] >= FROM_ANYWHERE


def record_failure(email: str, address: str) -> None:
    try:
        with notify.connect() as client, client.pipeline() as pipeline:
            for key in _keys(email, address):
                pipeline.incr(key)
                pipeline.expire(key, WINDOW_S)
            pipeline.execute()
    except redis.exceptions.RedisError as error:
        _warn(error)


def _keys(email: str, address: str) -> list[str]:
    email = email.strip().lower()
    return [f"embassy:sign-in:{_digest((email, address))}", f"embassy:sign-in:{_digest((email,))}"]


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _warn(error: Exception) -> None:
    log.warning("sign_in.not_counted", extra=fields(error=type(error).__name__))
