"""Places for requests that wait for a model: so many in all, and so many for one model."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from embassy.deployments.routes import Route

Identity = tuple[str, int | str]


def identity(route: Route) -> Identity:
    """What is woken: a deployment, or a shared base model."""
    return route.kind, route.models[0] if route.deployment_pk is None else route.deployment_pk


class WaitingRoom:
    def __init__(self) -> None:
        self._taken: Counter[Identity] = Counter()
        self._in_all = 0

    @property
    def taken(self) -> int:
        return self._in_all

    def has_place(self, route: Route) -> bool:
        alone = self._taken[identity(route)]  # a Counter makes no entry for that
        return self._in_all < settings.WAKE_QUEUE and alone < settings.WAKE_QUEUE_PER_MODEL

    @contextmanager
    def place(self, route: Route) -> Iterator[None]:
        """One place, for as long as the block runs; it is free at once when the client leaves."""
        who = identity(route)
        self._taken[who] += 1
        self._in_all += 1
        try:
            yield
        finally:
            self._in_all -= 1
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]
