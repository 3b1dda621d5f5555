"""Keeps a lease alive beside the work, and says when it is lost."""

import logging
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from embassy.platform import leases
from embassy.platform.logs import fields
from embassy.training.models import TrainingJob

log = logging.getLogger(__name__)


class Heartbeat:
    """Two threads: one renews through the database, one only watches the clock.

    The second is there for a database that neither answers nor refuses: the lease ends all the same.
    """

    def __init__(self, job: TrainingJob, *, token: int) -> None:
        self._job, self._token = job, token
        self._stop, self._lost = threading.Event(), threading.Event()
        self._deadline = time.monotonic() + settings.LEASE_SECONDS
        self._acts: list[Callable[[], None]] = []
        self._threads = [
            threading.Thread(target=self._renew, name=f"lease-{job.public_id}", daemon=True),
            threading.Thread(target=self._watch, name=f"clock-{job.public_id}", daemon=True),
        ]

    @property
    def lost(self) -> bool:
        return self._lost.is_set()

    def on_lost(self, act: Callable[[], None]) -> None:
        """Call `act`, from another thread, as soon as the lease is lost."""
        self._acts.append(act)
        if self.lost:
            act()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=settings.LEASE_SECONDS)

    def _renew(self) -> None:
        while not self._stop.wait(settings.LEASE_SECONDS / 4):
            began = time.monotonic()
            try:
                if not leases.renew(self._job, token=self._token):
                    return self._lose("taken")
                self._deadline = began + settings.LEASE_SECONDS
            except (OperationalError, InterfaceError) as error:
                log.warning("lease.unreachable", extra=fields(job=self._job.public_id, error=str(error)))
            finally:
                connection.close()  # this thread's own
        return None

    def _watch(self) -> None:
        while not self._stop.wait(max(0.05, self._deadline - time.monotonic())):
            if time.monotonic() >= self._deadline:
                return self._lose("expired")
        return None

    def _lose(self, how: str) -> None:
        log.warning("lease.lost", extra=fields(job=self._job.public_id, how=how))
        self._lost.set()
        for act in self._acts:
            act()
