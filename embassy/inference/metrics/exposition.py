"""The text that Prometheus reads. What costs queries is read at most once in some seconds."""

import threading
import time
from collections.abc import Iterable, Iterator

from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from embassy.inference.metrics.audience import Audience
from embassy.inference.metrics.gateway import GatewayCollector
from embassy.inference.metrics.queues import QueueCollector
from embassy.inference.metrics.rows import RowCollector

FRESH_S = 5.0
MOST_CACHED = 100

Whose = tuple[int, frozenset[int] | None] | None


class Cache:
    """What costs queries, by who sees it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Whose, tuple[float, list[Metric]]] = {}

    def metrics(self, audience: Audience, collectors: Iterable[Collector]) -> list[Metric]:
        """At most FRESH_S old."""
        actor, now = audience.actor, time.monotonic()
        whose = None if actor is None else (actor.organization_id, actor.projects)
        with self._lock:
            read_at, metrics = self._known.get(whose, (float("-inf"), []))
        if now - read_at < FRESH_S:
            return metrics
        metrics = [metric for collector in collectors for metric in collector.collect()]
        with self._lock:
            self._known[whose] = now, metrics
            while len(self._known) > MOST_CACHED:
                del self._known[next(iter(self._known))]
        return metrics

    def clear(self) -> None:
        with self._lock:
            self._known.clear()


CACHE = Cache()


class SlowCollector(Collector):
    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    def collect(self) -> Iterator[Metric]:
        slow: list[Collector] = [RowCollector(self._audience)]
        if self._audience.is_operator:
            slow.append(QueueCollector())
        yield from CACHE.metrics(self._audience, slow)


def registry_for(audience: Audience) -> CollectorRegistry:
    """All that this audience sees; of the process itself only the operator."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(GatewayCollector(audience))
    registry.register(SlowCollector(audience))
    if audience.is_operator:
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
    return registry
