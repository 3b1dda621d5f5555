"""Leased work on files of rows: claimed, watched, given back, done. See docs/datasets.md.

It shares its queue with short tasks, so only some of it runs at a time: the rest waits in its rows.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from embassy.datasets.models import Analysis, Upload
from embassy.datasets.models.work import Work
from embassy.datasets.states import WORK, WorkStatus
from embassy.platform import leases, shutdown
from embassy.platform.enqueue import enqueue
from embassy.platform.errors import EmbassyError
from embassy.platform.heartbeat import Heartbeat
from embassy.platform.locks import lock
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

MODELS: tuple[type[Work], ...] = (Upload, Analysis)
AT_A_TIME = 1
ATTEMPTS = 3
PROGRESS_SECONDS = 1.0
LOCK = 0x64617461  # "data"

WAITING = "Waiting for a worker."
WORKER_LOST = "The worker that did it is gone; another one begins anew."
UNEXPECTED = "Something unexpected went wrong; the worker's log has the particulars."

Row = TypeVar("Row", bound=Work)


class Fenced(Exception):
    """The work is somebody else's now, or nobody wants it any more: stop at once and write nothing."""


class ShuttingDown(Exception):
    """This worker was told to stop; the work is fine."""


@dataclass(frozen=True)
class Outcome:
    """`apply` writes what must come with the move, in its transaction."""

    status: WorkStatus
    changes: Mapping[str, Any] = field(default_factory=dict)
    apply: Callable[[], None] = lambda: None


class Watch:
    """What the work calls on its way: it stops what must stop and shows how far it has come."""

    def __init__(self, row: Work, heartbeat: Heartbeat) -> None:
        self._row, self._token, self._heartbeat = row, row.lease_token, heartbeat
        self._shown_at = time.monotonic()

    def progress(self, *, done_bytes: int = 0, done_rows: int = 0) -> None:
        """Cheap enough for every hundred rows. Raises Fenced or ShuttingDown if the work must stop."""
        now = time.monotonic()
        if now - self._shown_at < PROGRESS_SECONDS:
            return
        self._shown_at = now
        self.check()
        rows = type(self._row)._default_manager.filter(pk=self._row.pk, lease_token=self._token)
        rows.update(done_bytes=done_bytes, done_rows=done_rows)

    def check(self) -> None:
        if shutdown.is_announced():
            raise ShuttingDown
        if self._heartbeat.lost or not leases.holds(self._row, token=self._token):
            raise Fenced


def run(
    model: type[Row], pk: int, do: Callable[[Row, Watch], Outcome], *, at_once: bool = False
) -> Row | None:
    """Claim the row and do its work. None if it is not to be done now, or another has it.

    `at_once` is for what is quick: it does not wait for its turn.
    """
    row = claim(model, pk, at_once=at_once)
    if row is None:
        return None
    try:
        with Heartbeat(row, token=row.lease_token) as heartbeat:
            _run(row, Watch(row, heartbeat), do)
    except (OperationalError, InterfaceError) as error:
        # Nothing can be written now. The lease runs out, and whoever finds that does it again.
        log.warning("work.left", extra=fields(work=str(row), error=str(error)))
        connection.close()
        return row
    wake_next()
    return row


def _run(row: Row, watch: Watch, do: Callable[[Row, Watch], Outcome]) -> None:
    token = row.lease_token
    try:
        settle(row, do(row, watch), token=token)
    except Fenced:
        log.info("work.fenced", extra=fields(work=str(row)))
    except ShuttingDown:
        give_back(row, token=token)
    except EmbassyError as error:
        record_failure(row, token=token, reason=error.message)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        record_failure(row, token=token, reason=UNEXPECTED)
        raise


@transaction.atomic
def claim(model: type[Row], pk: int, *, at_once: bool = False) -> Row | None:
    lock(LOCK)
    if not at_once and _running() >= AT_A_TIME:
        return None
    row = model._default_manager.filter(pk=pk, status=WorkStatus.WAITING).first()
    if row is None:
        return None
    changes = leases.claim_changes() | {"reason": "", "done_bytes": 0, "done_rows": 0}
    return row if WORK.transition(row, WorkStatus.RUNNING, changes=changes) else None


def _running() -> int:
    return sum(
        model._default_manager.filter(status=WorkStatus.RUNNING, lease_until__gt=Now()).count()
        for model in MODELS
    )


@transaction.atomic
def settle(row: Work, outcome: Outcome, *, token: int) -> None:
    """The end of the work. Raises Fenced if the row is another's, and nothing is written."""
    changes = leases.release_changes() | {"failures": 0, "reason": ""} | dict(outcome.changes)
    if not WORK.transition(row, outcome.status, where={"lease_token": token}, changes=changes):
        raise Fenced
    outcome.apply()


@transaction.atomic
def give_back(row: Work, *, token: int) -> None:
    """Unharmed: another worker may begin at once."""
    changes = leases.release_changes() | {"reason": WAITING}
    if WORK.transition(row, WorkStatus.WAITING, where={"lease_token": token}, changes=changes):
        publish(row)


def record_failure(row: Work, *, token: int, reason: str) -> None:
    """Count a failed attempt: another one follows soon, or it is given up after ATTEMPTS of them."""
    failures = row.failures + 1
    target = WorkStatus.FAILED if failures >= ATTEMPTS else WorkStatus.WAITING
    changes = leases.release_changes() | {"failures": failures, "reason": reason}
    WORK.transition(row, target, reason=reason, where={"lease_token": token}, changes=changes)


def publish(row: Work) -> None:
    """Wake a worker up."""
    leases.mark_published(row)
    enqueue(row.TASK, row.pk)


def wake_next() -> None:
    """Whoever waited for this turn longest of all."""
    waiting = [
        row
        for model in MODELS
        if (row := model._default_manager.filter(status=WorkStatus.WAITING).order_by("id").first())
    ]
    if waiting:
        publish(min(waiting, key=lambda row: row.updated_at))


def reconcile() -> None:
    """Take work from workers that are gone, and wake workers for what waits."""
    for model in MODELS:
        for row in _orphaned(model):
            record_failure(row, token=row.lease_token, reason=WORKER_LOST)
    if _running() >= AT_A_TIME:
        return
    silence = timezone.now() - timedelta(seconds=settings.REPUBLISH_SECONDS)
    for model in MODELS:
        waiting = model._default_manager.filter(status=WorkStatus.WAITING)
        for row in waiting.exclude(published_at__gt=silence).order_by("id")[:AT_A_TIME]:
            publish(row)


def _orphaned(model: type[Work]) -> list[Work]:
    running = model._default_manager.filter(status=WorkStatus.RUNNING)
    found = {row.pk: row for row in leases.expired(running)}
    found |= {row.pk: row for row in leases.owned_by_dead_process(running)}
    return list(found.values())
