"""One worker's hold on one job."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

from django.db import InterfaceError, OperationalError, connection

from embassy.platform import leases, shutdown
from embassy.platform.logs import fields
from embassy.training.models import TrainingJob
from embassy.training.supervisor.heartbeat import Heartbeat
from embassy.training.supervisor.outcomes import Fenced, ShuttingDown

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
        """Raises Fenced or ShuttingDown if the work must stop. Looks at the row twice a second at most."""
        if self._heartbeat.lost:
            raise Fenced(self.job.public_id)
        if self._asked_to_stop or shutdown.is_announced():
            raise ShuttingDown
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = time.monotonic()
            self._look()

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
            held = leases.holds(self.job, token=self.token)
        except (OperationalError, InterfaceError):
            connection.close()
            return  # not known just now; the heartbeat knows how long that may last
        if not held:
            raise Fenced(self.job.public_id)

    def _on_terminate(self, _signal: int, _frame: FrameType | None) -> None:
        self._asked_to_stop = True
