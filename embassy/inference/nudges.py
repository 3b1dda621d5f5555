"""`notify.Listener` for the event loop."""

import asyncio
import logging
import time

from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from embassy.platform.logs import fields

log = logging.getLogger(__name__)

RECONNECT_S = 1.0
CONNECT_S = 2.0


class Nudges:
    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._client: Redis | None = None
        self._subscription: PubSub | None = None
        self._is_away = False

    async def wait(self, seconds: float) -> bool:
        """True as soon as there was a nudge, however many; False after `seconds`, also while Redis is away.

        True too after a new subscription: whatever was said before it went unheard.
        """
        deadline = time.monotonic() + seconds
        try:
            if self._subscription is None:
                self._subscription = await self._subscribe()
                self._is_away = False
                return True
            return await self._heard(seconds)
        except RedisError as error:
            if not self._is_away:
                log.warning("nudges.lost", extra=fields(error=type(error).__name__))
            self._is_away = True
            await self.close()
            await asyncio.sleep(max(0.0, min(RECONNECT_S, deadline - time.monotonic())))
            return False

    async def close(self) -> None:
        subscription, self._subscription = self._subscription, None
        client, self._client = self._client, None
        if subscription is not None:
            await subscription.aclose()  # type: ignore[no-untyped-call]
        if client is not None:
            await client.aclose()

    async def _subscribe(self) -> PubSub:
        self._client = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=CONNECT_S)
        subscription = self._client.pubsub(ignore_subscribe_messages=True)
        await subscription.subscribe(self._channel)
        await subscription.get_message(timeout=CONNECT_S)  # the confirmation
        return subscription

    async def _heard(self, seconds: float) -> bool:
        assert self._subscription is not None
        heard = await self._subscription.get_message(timeout=seconds) is not None
        while heard and await self._subscription.get_message(timeout=0) is not None:
            pass  # a burst is one nudge
        return heard
