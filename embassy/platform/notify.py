"""Nudges between running processes over Redis publish/subscribe.

A nudge says "look at the rows now"; who misses it looks anyway a little later. So losing one is harmless.
"""

import logging
import time
from typing import Any

import redis
import redis.exceptions
from django.conf import settings
from django.db import transaction

from embassy.platform.logs import fields

log = logging.getLogger(__name__)

ROUTES = "embassy:routes"  # what the gateway caches (keys, deployments, engines) has changed


def engine_channel(public_id: str) -> str:
    return f"embassy:engine:{public_id}"


def job_channel(public_id: str) -> str:
    return f"embassy:job:{public_id}"


def connect() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)


_client: "redis.Redis | None" = None


def nudge(channel: str, message: str = "") -> None:
    """Publish after the current transaction commits."""
    transaction.on_commit(lambda: _publish(channel, message))


def _publish(channel: str, message: str) -> None:
    global _client
    try:
        _client = _client or connect()
        _client.publish(channel, message)
    except redis.exceptions.RedisError as error:
        log.warning("nudge.lost", extra=fields(channel=channel, error=type(error).__name__))


class Listener:
    """Waits for a nudge on some channels; falls back to plain waiting while Redis is away."""

    def __init__(self, *channels: str) -> None:
        self._channels = channels
        self._subscription: Any = None

    def wait(self, seconds: float) -> bool:
        """True as soon as there was a nudge; False after `seconds` without one."""
        deadline = time.monotonic() + seconds
        try:
            if self._subscription is None:
                self._subscription = connect().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
                self._subscription.subscribe(*self._channels)
            while (left := deadline - time.monotonic()) > 0:
                if self._subscription.get_message(timeout=left):
                    return True
            return False
        except redis.exceptions.RedisError:
            self.close()
            time.sleep(max(0.0, min(1.0, deadline - time.monotonic())))
            return False

    def close(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()
