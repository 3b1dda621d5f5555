"""What a supervisor sees of its engine. Every write is fenced by the token of the lease."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from embassy.engines import queue, runs
from embassy.engines.models import Adapter, Engine
from embassy.engines.models.engine import GIVEN_UP, START_ATTEMPTS
from embassy.engines.states import ENGINE, EngineStatus, Wanted
from embassy.engines.wakeups import changed, due
from embassy.platform import leases

# A run this long (seconds) shows that the engine starts well: the count of failures begins anew.
GOOD_RUN = 15
LONGEST_PAUSE = 60  # seconds

GONE = {"host": "", "port": 0, "draining": False, "active_at": None, "sleep_level": 0}
ASLEEP = "It sleeps: its weights wait in the host's memory. The next request wakes it."


class LeaseLost(Exception):
    """The engine is somebody else's now: stop the child and write nothing."""


@transaction.atomic
def claim(*, engine_pk: int) -> Engine | None:
    """The engine, now ours; None if it is not wanted, already run by somebody, or to be left for a while."""
    engine = Engine.objects.filter(due(), pk=engine_pk, deleted_at=None).first()
    seat = queue.seat_here(engine_pk) if engine is not None else None
    if engine is None or seat is None:
        return None
    won = ENGINE.transition(
        engine,
        EngineStatus.CREATING,
        sources={EngineStatus.CREATING},
        where={"lease_until": None, "wanted": Wanted.ACTIVE, "deleted_at": None},
        reason="Starting.",
        changes=leases.claim_changes() | GONE | {"reason": "Starting."} | seat,
    )
    if not won:
        return None
    runs.opened(engine)
    engine.adapters.update(loaded_at=None)
    changed(engine)
    return engine


def explain(*, engine: Engine, token: int, reason: str) -> None:
    """Say what the start is waiting for."""
    _fenced(engine, token, reason=reason)
    changed(engine)


@transaction.atomic
def active(*, engine: Engine, token: int, host: str, port: int, model_path: str, seconds: float) -> None:
    """It serves at this address; it took `seconds` to start."""
    changes = {
        "host": host,
        "port": port,
        "model_path": model_path,
        "start_seconds": seconds,
        "reason": "",
        "active_at": Now(),
        "last_access_at": Now(),
        "retry_at": None,
    }
    if not ENGINE.transition(engine, EngineStatus.ACTIVE, where={"lease_token": token}, changes=changes):
        raise LeaseLost
    runs.activated(engine, token)
    changed(engine)


@transaction.atomic
def draining(*, engine: Engine, token: int) -> None:
    """No new requests from now on; those in flight may finish."""
    _fenced(engine, token, draining=True)
    changed(engine)


@transaction.atomic
def resumed(*, engine: Engine, token: int) -> None:
    """Requests may come again: it was wanted anew before it had stopped, or it woke up."""
    _fenced(engine, token, draining=False, reason="", sleep_level=0)
    changed(engine)


@transaction.atomic
def asleep(*, engine: Engine, token: int, level: int) -> None:
    """Its GPU is free, and the next request wakes it."""
    _fenced(engine, token, draining=False, reason=ASLEEP, sleep_level=level)
    changed(engine)


@transaction.atomic
def stopped(*, engine: Engine, token: int, reason: str) -> None:
    """The server is gone because we stopped it. Where it is still wanted, it is due at once."""
    _release(engine, token, reason=reason, changes={"published_at": None})


@transaction.atomic
def failed(*, engine: Engine, token: int, reason: str) -> None:
    """The server did not start, or ended by itself: try again after a pause, or give up."""
    fresh = _locked(engine, token)
    failures = 1 if _ran_well(fresh) else fresh.failures + 1
    changes: dict[str, Any] = {
        "failures": failures,
        "retry_at": Now() + pause(failures),
        "published_at": None,
    }
    if failures >= START_ATTEMPTS:
        changes |= {"wanted": Wanted.INACTIVE, "retry_at": Now() + GIVEN_UP}
        reason = f"It failed {failures} times in a row and was given up. {reason}"
    _release(engine, token, reason=reason, changes=changes)


@transaction.atomic
def lost(*, engine: Engine, token: int) -> None:
    """The process that ran it is gone, with the server. That is no failure of its own: it is never given up.

    Before it served, its start may have been the cause all the same: then it is tried again after a pause.
    """
    fresh = _locked(engine, token)
    changes: dict[str, Any] = {"published_at": None}
    if fresh.active_at is None:
        failures = min(fresh.failures + 1, START_ATTEMPTS - 1)
        changes |= {"failures": failures, "retry_at": Now() + pause(failures)}
    _release(engine, token, reason="The process that ran it is gone.", changes=changes)


@transaction.atomic
def loaded(*, adapter: Adapter, token: int) -> None:
    _adapter(adapter, token, loaded_at=Now(), error="", attempts=0)


@transaction.atomic
def unloaded(*, adapter: Adapter, token: int) -> None:
    """It is off the engine; the row goes, unless it is wanted again by now."""
    _adapter(adapter, token, loaded_at=None)
    Adapter.objects.filter(pk=adapter.pk, wanted=False).delete()


@transaction.atomic
def load_failed(*, adapter: Adapter, token: int, error: str) -> None:
    _adapter(adapter, token, loaded_at=None, error=error)


def load_put_off(*, adapter: Adapter, token: int) -> None:
    """The load failed for a reason that may pass; it is tried again."""
    Adapter.objects.filter(pk=adapter.pk, engine__lease_token=token).update(attempts=adapter.attempts + 1)


def pause(failures: int) -> timedelta:
    """None after the first failure, then 2, 4, 8 … seconds."""
    return timedelta(seconds=0 if failures <= 1 else min(2 ** (failures - 1), LONGEST_PAUSE))


def _release(engine: Engine, token: int, *, reason: str, changes: dict[str, Any]) -> None:
    wanted = changes.get("wanted") or _locked(engine, token).wanted
    target = EngineStatus.CREATING if wanted == Wanted.ACTIVE else EngineStatus.INACTIVE
    everything = leases.release_changes() | GONE | queue.NO_SEAT | {"reason": reason} | changes
    if ENGINE.transition(engine, target, where={"lease_token": token}, reason=reason, changes=everything):
        runs.closed(engine, token, reason)
    engine.adapters.update(loaded_at=None)
    changed(engine)
    queue.advance_soon()


def _locked(engine: Engine, token: int) -> Engine:
    fresh = Engine.objects.select_for_update().filter(pk=engine.pk, lease_token=token).first()
    if fresh is None:
        raise LeaseLost
    return fresh


def _ran_well(engine: Engine) -> bool:
    since = engine.active_at
    return since is not None and timezone.now() - since > timedelta(seconds=GOOD_RUN)


def _fenced(engine: Engine, token: int, **changes: Any) -> None:
    if not Engine.objects.filter(pk=engine.pk, lease_token=token).update(**changes):
        raise LeaseLost


def _adapter(adapter: Adapter, token: int, **changes: Any) -> None:
    if not Engine.objects.filter(pk=adapter.engine_id, lease_token=token).exists():
        raise LeaseLost
    Adapter.objects.filter(pk=adapter.pk, engine__lease_token=token).update(**changes)
    changed(adapter.engine)
