"""Keeps the buckets of several web processes in step, through Redis and off the hot path.

Redis holds for each bucket the time, on its own clock, at which it will be empty. A process adds what it let
in since it last told, and is answered with the seconds that are left by what all of them let in.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress

from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from embassy.inference.limits.bucket import Bucket
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

SHARE_S = 1.0
TIMEOUT_S = 2.0

ADD = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local backlogs = {}
for i, key in ipairs(KEYS) do
    local empty_at = math.max(now, tonumber(redis.call('GET', key) or '0')) + tonumber(ARGV[i])
    if empty_at > now then
        redis.call('SET', key, string.format('%.6f', empty_at), 'PX', math.ceil((empty_at - now) * 1000))
    end
    backlogs[i] = string.format('%.6f', empty_at - now)
end
return backlogs
"""


class Sharing:
    """While Redis is away each process goes on alone, and tells later what is then still of interest."""

    def __init__(self) -> None:
        self._client: Redis | None = None
        self._hurry = asyncio.Event()
        self._is_away = False

    def hurry(self) -> None:
        """Do not wait for the next second."""
        self._hurry.set()

    async def pause(self) -> None:
        """Until it is time to share, or somebody is in a hurry."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), SHARE_S)
        self._hurry.clear()

    async def exchange(self, buckets: Mapping[str, Bucket]) -> None:
        """Tell of our part of these and learn of the whole."""
        if not buckets:
            return
        now = time.monotonic()
        told = {name: bucket.take_unshared(now) for name, bucket in buckets.items()}
        try:
            backlogs = await self._add(told)
        except (RedisError, OSError) as error:
            self._lost(error)
            for name, bucket in buckets.items():
                bucket.give_back(told[name])
            await self.close()
            await asyncio.sleep(SHARE_S)
            return
        self._is_away = False
        now = time.monotonic()
        for bucket, backlog in zip(buckets.values(), backlogs, strict=True):
            bucket.learn(now, backlog)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _add(self, told: Mapping[str, float]) -> list[float]:
        if self._client is None:
            self._client = Redis.from_url(
                settings.REDIS_URL, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S
            )
        script = self._client.register_script(ADD)
        answer = await script(keys=list(told), args=[f"{seconds:.6f}" for seconds in told.values()])
        return [float(backlog) for backlog in answer]

    def _lost(self, error: Exception) -> None:
        if not self._is_away:
            log.warning("limits.alone", extra=fields(error=type(error).__name__))
        self._is_away = True
