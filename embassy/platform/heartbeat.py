"""Keep a lease alive from a thread, so that a long download or a slow call does not lose it."""

import threading
import time
from types import TracebackType

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from embassy.platform import leases
from embassy.platform.models import Leased

BEATS = 4  # renewals in the length of a lease


class Heartbeat:
    """Renews `row`'s lease until the block is left. Look at `lost` often: once true, stop and write nothing.

    The lease counts as lost when somebody else has it, and also when it could not be renewed for so long
    that it is about to expire: whether the database is away or only hangs makes no difference.
    """

    def __init__(self, row: Leased, *, token: int) -> None:
        self._row = row
        self._token = token
        self._length = float(settings.LEASE_SECONDS)
        self._fenced = False
        self._renewed_at = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    @property
    def lost(self) -> bool:
        age = time.monotonic() - self._renewed_at
        return self._fenced or age > self._length * (1 - 1 / BEATS)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=self._length)

    def _beat(self) -> None:
        while not self._fenced and not self._ended.wait(self._length / BEATS):
            began = time.monotonic()
            try:
                self._fenced = not leases.renew(self._row, token=self._token)
                self._renewed_at = began
            except (DatabaseError, InterfaceError):
                connection.close()
        connection.close()
