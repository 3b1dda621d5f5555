"""Wrong guesses, counted in Redis so that every web process knows: guessing a secret is made slow."""

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


def is_blocked(what: str, address: str, anywhere: int = FROM_ANYWHERE) -> bool:
    """`what` is guessed at, e.g. an e-mail address; `anywhere` is how often from all addresses together.

    While Redis is away nobody is blocked: signing in must not depend on it.
    """
    try:
        with notify.connect() as client:
            counts = [int(count or 0) for count in client.mget(_keys(what, address))]
    except redis.exceptions.RedisError as error:
        _warn(error)
        return False
    return counts[0] >= FROM_ONE_PLACE or counts[1] >= anywhere


def record_failure(what: str, address: str) -> None:
    try:
        with notify.connect() as client, client.pipeline() as pipeline:
            for key in _keys(what, address):
                pipeline.incr(key)
                pipeline.expire(key, WINDOW_S)
            pipeline.execute()
    except redis.exceptions.RedisError as error:
        _warn(error)


def _keys(what: str, address: str) -> list[str]:
    what = what.strip().lower()
    return [f"embassy:sign-in:{_digest((what, address))}", f"embassy:sign-in:{_digest((what,))}"]


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _warn(error: Exception) -> None:
    log.warning("sign_in.not_counted", extra=fields(error=type(error).__name__))
