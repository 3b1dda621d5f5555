"""Between awake and stopped, on GPUs: an engine that nobody uses gives its GPU back and keeps its weights.

vLLM's sleep, level 1: the weights wait in the host's memory and the cache is dropped. Waking takes about as
long as copying the weights back. Falling asleep is the supervisor's own decision; whoever wants the engine
again touches it and nudges the supervisor (services.want_active), which then wakes it.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from embassy.engines import observe, queue
from embassy.engines.client import EngineClient, EngineRejected, EngineUnavailable
from embassy.engines.models import Engine
from embassy.platform.logs import fields

log = logging.getLogger(__name__)


class NoRoom(Exception):
    """Others have its GPU by now: it must wait for a place like one that was stopped."""


class Nap:
    """Of one run of an engine. `settle` waits until every gateway has seen that it takes no requests."""

    def __init__(
        self, token: int, client: EngineClient, *, offered: bool, settle: Callable[[], None]
    ) -> None:
        self._token = token
        self._client = client
        self._offered = offered and settings.ENGINE_SLEEP_SECONDS > 0
        self._settle = settle
        self._used_at: datetime | None = None  # as it was when it fell asleep

    def look(self, engine: Engine) -> bool:
        """Fall asleep or wake up if it is time to. True: it sleeps, so nothing else can be asked of it.

        Raises NoRoom, EngineUnavailable, EngineRejected.
        """
        if engine.sleep_level:
            if engine.last_access_at == self._used_at:
                return True
            self._wake(engine)
        elif self._offered and self._is_idle(engine):
            self._sleep(engine)
            return True
        return False

    def _is_idle(self, engine: Engine) -> bool:
        since = timezone.now() - timedelta(seconds=settings.ENGINE_SLEEP_SECONDS)
        times = (engine.last_access_at, engine.active_at, engine.woken_at)
        if any(moment is not None and moment > since for moment in times):
            return False
        # Guests come without touching it: a test run has its adapter here for a short time.
        guests = engine.adapters.filter(expires_at__isnull=False)
        unfinished = engine.adapters.filter(wanted=True, loaded_at=None, error="")
        return not guests.exists() and not unfinished.exists() and not self._is_busy()

    def _is_busy(self) -> bool:
        try:
            return self._client.requests_in_flight() > 0
        except EngineUnavailable:
            return True  # whatever ails it, this is no time to sleep

    def _sleep(self, engine: Engine) -> None:
        observe.draining(engine=engine, token=self._token)
        self._settle()
        began = time.monotonic()
        self._client.sleep()
        self._used_at = engine.last_access_at  # a touch since then wakes it at once
        observe.asleep(engine=engine, token=self._token, level=1)
        log.info("engine.slept", extra=fields(engine=engine.public_id, seconds=_since(began)))

    def _wake(self, engine: Engine) -> None:
        if not queue.take_back(engine=engine, token=self._token):
            raise NoRoom
        began = time.monotonic()
        try:
            self._client.wake_up()
        except (EngineUnavailable, EngineRejected):
            log.warning("engine.did_not_wake", extra=fields(engine=engine.public_id))
            raise
        observe.resumed(engine=engine, token=self._token)
        log.info("engine.woke", extra=fields(engine=engine.public_id, seconds=_since(began)))


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
