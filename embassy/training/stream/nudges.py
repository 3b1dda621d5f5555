"""One subscription for all listeners of this process: says which job has news."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from embassy.platform import notify
from embassy.platform.cancellation import end
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

RECONNECT_S = 1.0
CONNECT_S = 2.0
LISTEN_S = 30.0


class JobNudges:
    """Follows Redis from the first listener to `stop`. While Redis is away nobody is woken."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._task: asyncio.Task[None] | None = None
        self.is_followed = False

    @contextmanager
    def listening(self, public_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the job may have news."""
        if self._task is None:
            self._task = asyncio.create_task(self._follow())
        channel, news = notify.job_channel(public_id), asyncio.Event()
        self._listeners.setdefault(channel, set()).add(news)
        try:
            yield news
        finally:
            self._listeners[channel].discard(news)
            if not self._listeners[channel]:
                del self._listeners[channel]

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            await end([task])

    async def _follow(self) -> None:
        while True:
            try:
                await self._listen()
            except RedisError as error:
                if self.is_followed:
                    log.warning("nudges.lost", extra=fields(error=type(error).__name__))
            self.is_followed = False
            await asyncio.sleep(RECONNECT_S)

    async def _listen(self) -> None:
        async with (
            Redis.from_url(settings.REDIS_URL, socket_connect_timeout=CONNECT_S) as client,
            client.pubsub(ignore_subscribe_messages=True) as subscription,
        ):
            await subscription.psubscribe(notify.job_channel("*"))
            await subscription.get_message(timeout=CONNECT_S)  # the confirmation
            self.is_followed = True
            for channel in list(self._listeners):  # whatever was said before went unheard
                self._wake(channel)
            while True:
                message = await subscription.get_message(timeout=LISTEN_S)
                if message is not None:
                    self._wake(message["channel"].decode())

    def _wake(self, channel: str) -> None:
        for news in self._listeners.get(channel, ()):
            news.set()
