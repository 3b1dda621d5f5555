"""How many wake-ups wait in the broker, where that is Redis."""

import logging
from collections.abc import Iterator

import redis
import redis.exceptions
from django.conf import settings
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from embassy.engines import hosts
from embassy.engines.queue import queue_of_host
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

QUEUES = ("control", "training", "engines")
SECONDS = 2


class QueueCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        url = settings.BROKER_URL or settings.REDIS_URL
        if not url.startswith(("redis", "unix")):
            return
        told = "Wake-ups that no worker has taken yet."
        family = GaugeMetricFamily("embassy_queue_length", told, labels=("queue",))
        names = [*QUEUES, *(queue_of_host(host.name) for host in hosts.known())]
        for name, length in _lengths(url, names):
            family.add_metric((name,), length)
        yield family


def _lengths(url: str, names: list[str]) -> list[tuple[str, int]]:
    """None while Redis is away: the other metrics are as true as ever."""
    try:
        with redis.Redis.from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS) as client:
            pipe = client.pipeline(transaction=False)
            for name in names:
                pipe.llen(name)
            return list(zip(names, pipe.execute(), strict=True))
    except redis.exceptions.RedisError as error:
        log.warning("metrics.no_queues", extra=fields(error=type(error).__name__))
        return []
