"""One worker's hold on one job."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

from django.db import InterfaceError, OperationalError, connection

from embassy.platform import shutdown
from embassy.platform.logs import fields
from embassy.training.models import TrainingJob
from embassy.training.supervisor.heartbeat import Heartbeat
from embassy.training.supervisor.interruption import Interruption
from embassy.training.supervisor.outcomes import Fenced, Pausing, ShuttingDown

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
RETRY_SECONDS = 0.2

T = TypeVar("T")


class Session:
    """While entered, the lease is renewed; SIGTERM, or the worker's shutdown, means: give the job back."""

    def __init__(self, job: TrainingJob) -> None:
        self.job = job
        self.token = job.lease_token
        self.attempt = job.attempts
        self._heartbeat = Heartbeat(job, token=self.token)
        self._asked_to_stop = False
        self._pause_requested = False
        self._puts_away = False
        self._looked_at = 0.0
        self._handler: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGTERM, self._on_terminate)
        self._heartbeat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heartbeat.stop()
        if self._handler is not None:
            signal.signal(signal.SIGTERM, self._handler)

    def on_lost(self, act: Callable[[], None]) -> None:
        self._heartbeat.on_lost(act)

    def check(self) -> None:
        """Raises Fenced or Interrupted if the work must stop. Looks at the row twice a second at most."""
        if self._heartbeat.lost:
            raise Fenced(self.job.public_id)
        if not self._puts_away and (self._asked_to_stop or shutdown.is_announced()):
            raise ShuttingDown
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = time.monotonic()
            self._look()
        if not self._puts_away and self._pause_requested:
            raise Pausing

    def interruptible(self) -> Interruption:
        """A block of slow work without the database, which ends as soon as `check` would raise."""
        return Interruption(self.check)

    @contextmanager
    def putting_away(self) -> Iterator[None]:
        """Store in this block what the job has come to: only the loss of the job ends it now."""
        self._puts_away = True
        try:
            yield
        finally:
            self._puts_away = False

    def patiently(self, act: Callable[[], T]) -> T:
        """What `act` returns. While the database is away it is tried again, until the lease has run out."""
        while True:
            try:
                return act()
            except (OperationalError, InterfaceError) as error:
                log.warning("database.away", extra=fields(job=self.job.public_id, error=str(error)))
                connection.close()
                self.check()
                time.sleep(RETRY_SECONDS)

    def _look(self) -> None:
        try:
            held = TrainingJob.objects.filter(pk=self.job.pk, lease_token=self.token)
            asked = held.values_list("pause_requested", flat=True).first()
        except (OperationalError, InterfaceError):
            connection.close()
            return  # not known just now; the heartbeat knows how long that may last
        if asked is None:
            raise Fenced(self.job.public_id)
        self._pause_requested = asked

    def _on_terminate(self, _signal: int, _frame: FrameType | None) -> None:
        self._asked_to_stop = True
