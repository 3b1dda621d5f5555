"""Engines that wait for a place on a host, first come, first served, and the places they are given.

Whoever changes what is wanted or frees a place calls `advance_soon`; the scheduler calls `advance` every
second. An engine with a place has `host_name`, `need_bytes` and `gpus`, and its wake-up goes to that host's
own queue. All of it happens under one lock, so that no memory is promised twice.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from embassy.engines import capacity, hosts, selectors
from embassy.engines.capacity import Ask, Never, Room, Seat, Wait
from embassy.engines.models import Engine, Host
from embassy.engines.models.engine import GIVEN_UP, START_ATTEMPTS
from embassy.engines.needs import need_of
from embassy.engines.sizing import Need
from embassy.engines.states import ENGINE, EngineStatus, Wanted
from embassy.engines.wakeups import changed, due
from embassy.platform import leases
from embassy.platform.enqueue import enqueue
from embassy.platform.locks import lock
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

LOCK = 7_306_071
NO_WORKER = "Waiting for an engine worker: none is running. Start one."
WAKING = "Waking up: its weights go back to the GPU."
# A place is there for it, so its host would have come by then: the wake-up was lost, with Redis or a worker.
CLAIM_S = 5.0

NO_SEAT: dict[str, Any] = {"host_name": "", "gpus": []}

Engines = QuerySet[Engine, Engine]


def advance_soon() -> None:
    """After the commit. Whatever goes wrong there is mended by the scheduler a second later."""
    transaction.on_commit(advance, robust=True)


@transaction.atomic
def advance() -> None:
    """Give places to those that wait, and say to the others what they wait for."""
    if not selectors.waiting().exists():
        return
    lock(LOCK)
    known = list(hosts.known())
    unplaced, placed = split(waiting_in_order(), {host.name for host in known if hosts.is_alive(host)})
    rooms = [hosts.room_of(host) for host in known]
    if all(room.lost for room in rooms):
        _call_any_worker(unplaced)
        return
    answers = capacity.plan([ask_of(engine) for engine in unplaced], rooms)
    for engine in unplaced:
        _apply(engine, answers[engine.pk])
    due_there = selectors.waiting().filter(pk__in=[engine.pk for engine in placed])
    for engine in leases.unpublished(due_there, seconds=CLAIM_S):
        _send(engine, engine.host_name)


def waiting_in_order() -> Engines:
    return selectors.waiting().filter(due()).order_by("woken_at", "id")


def split(waiting: Engines, alive: Collection[str]) -> tuple[list[Engine], list[Engine]]:
    """Those without a place, and those whose host is about to take them. A place on a lost host is none."""
    engines = list(waiting)
    for engine in engines:
        if engine.host_name and engine.host_name not in alive:
            Engine.objects.filter(pk=engine.pk, lease_until=None).update(**NO_SEAT)
            engine.host_name = ""
    return [row for row in engines if not row.host_name], [row for row in engines if row.host_name]


def ask_of(engine: Engine) -> Ask:
    since = engine.woken_at or engine.created_at
    return Ask(engine.pk, need_of(engine), max(0.0, (timezone.now() - since).total_seconds()))


def seat_here(engine_pk: int) -> dict[str, Any] | None:
    """Columns of the engine's place on this host, for the claim; None: it is not to run here now.

    Call it in the transaction of the claim. A host that nobody registered, because its supervisor was
    started by hand, is not counted.
    """
    lock(LOCK)
    engine = Engine.objects.get(pk=engine_pk)
    host = Host.objects.filter(name=settings.HOST_NAME).first()
    if engine.host_name:
        return {} if engine.host_name == settings.HOST_NAME else None
    if host is None:
        return {"host_name": settings.HOST_NAME}
    seat = capacity.seat_in(need_of(engine), hosts.room_of(host))
    return _columns(seat) if seat is not None else None


@transaction.atomic
def take_back(*, engine: Engine, token: int) -> bool:
    """An engine that slept has its GPUs again, but takes no requests yet. False: others have them."""
    lock(LOCK)
    host = Host.objects.filter(name=engine.host_name).first()
    if host is not None and not capacity.holds(hosts.room_of(host), hosts.full_seat_of(engine)):
        return False
    rows = Engine.objects.filter(pk=engine.pk, lease_token=token)
    return rows.update(sleep_level=0, draining=True, reason=WAKING) == 1


def position_of(engine: Engine) -> int | None:
    """Its place in the queue from 1; None if it does not wait for a place."""
    waits = waiting_in_order().filter(host_name="")
    if engine.woken_at is None or not waits.filter(pk=engine.pk).exists():
        return None
    before = Q(woken_at__lt=engine.woken_at) | Q(woken_at=engine.woken_at, pk__lt=engine.pk)
    return waits.filter(before).count() + 1


def first_in_line() -> tuple[Need, dict[str, Room]] | None:
    """What the first needs that no host has a place for, and the rooms of all hosts as they will be soon.

    Engines that are stopping count as gone, and those before it that fit as placed. None: nobody waits for
    a place, or nothing but that those are gone.
    """
    asks = [ask_of(engine) for engine in waiting_in_order().filter(host_name="")]
    if not asks:
        return None
    rooms = {host.name: _room_soon(host) for host in hosts.known() if hosts.is_alive(host)}
    for ask in asks:
        if not any(capacity.seat_in(ask.need, room.emptied()) for room in rooms.values()):
            continue
        seat = capacity.best_seat(ask.need, rooms.values())
        if seat is None:
            return ask.need, rooms
        rooms[seat.host] = capacity.taken(rooms[seat.host], seat)
    return None


def queue_of_host(name: str) -> str:
    """The queue that only this host's engine worker reads."""
    return f"engines.{name}"


def _room_soon(host: Host) -> Room:
    room = hosts.room_of(host)
    for engine in hosts.occupants(host).filter(wanted=Wanted.INACTIVE):
        room = capacity.given_back(room, hosts.seat_of(engine))
    return room


def _apply(engine: Engine, answer: capacity.Answer) -> None:
    if isinstance(answer, Seat):
        Engine.objects.filter(pk=engine.pk, lease_until=None).update(**_columns(answer))
        log.info("engine.placed", extra=fields(engine=engine.public_id, host=answer.host, bytes=answer.need))
        _send(engine, answer.host)
    elif isinstance(answer, Wait):
        _explain(engine, answer.reason)
    else:
        _refuse(engine, answer)


def _call_any_worker(engines: Sequence[Engine]) -> None:
    """Nobody is there: whichever worker comes first takes what fits."""
    for engine in engines:
        asked = engine.published_at
        if asked is None or asked < timezone.now() - timedelta(seconds=settings.REPUBLISH_SECONDS):
            _send(engine)
            if asked is not None:  # else one may be about to take it
                _explain(engine, NO_WORKER)


def _send(engine: Engine, host: str = "") -> None:
    leases.mark_published(engine)
    enqueue("engines.run", engine.pk, queue=queue_of_host(host) if host else None)


def _explain(engine: Engine, reason: str) -> None:
    if engine.reason != reason:
        Engine.objects.filter(pk=engine.pk, lease_until=None).update(reason=reason)
        changed(engine)


def _refuse(engine: Engine, answer: Never) -> None:
    """It will never fit: say so at once, as of an engine that was given up."""
    changes = {
        "wanted": Wanted.INACTIVE,
        "failures": START_ATTEMPTS,
        "retry_at": Now() + GIVEN_UP,
        "reason": answer.reason,
    }
    where = {"lease_until": None, "wanted": Wanted.ACTIVE}
    if ENGINE.transition(
        engine, EngineStatus.INACTIVE, where=where, reason=answer.reason, changes=changes | NO_SEAT
    ):
        log.warning("engine.too_big", extra=fields(engine=engine.public_id, reason=answer.reason))
        changed(engine)


def _columns(seat: Seat) -> dict[str, Any]:
    return {"host_name": seat.host, "need_bytes": seat.need, "gpus": list(seat.gpus)}
