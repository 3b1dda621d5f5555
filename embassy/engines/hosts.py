"""The machines that run engines: what they offer, and whether they are still there.

A host is written by its own engine worker, which renews `seen_at`. Memory is counted in what engines were
estimated to need when they were given their place, not in what they happen to use.
"""

import logging
import subprocess
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from embassy.engines import machine
from embassy.engines.capacity import GPU_SHARE, Gpu, Room, Seat, taken
from embassy.engines.models import Engine, Host
from embassy.engines.states import EngineStatus, Wanted
from embassy.platform import leases
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

# A host that was heard of within this time may come back: what fits only there waits for it.
REMEMBERED = timedelta(minutes=10)
ASLEEP_BYTES = 1024**3  # on each GPU: the context of CUDA and vLLM's small buffers


def register(*, slots: int) -> Host:
    """This machine, whose worker runs so many engines at once."""
    host, _ = Host.objects.update_or_create(
        name=settings.HOST_NAME,
        defaults={
            "address": settings.ENGINE_HOST,
            "memory_bytes": settings.ENGINE_MEMORY or machine.default_budget(),
            "gpus": gpus_here(),
            "slots": slots,
            "seen_at": Now(),
        },
    )
    log.info("host.registered", extra=fields(host=host.name, address=host.address, slots=slots))
    return host


def beat() -> bool:
    """This machine is still there. False: its row is gone, so register it again."""
    return Host.objects.filter(name=settings.HOST_NAME).update(seen_at=Now()) == 1


def leave() -> None:
    """Its worker stops: nothing more is to be sent to it."""
    Host.objects.filter(name=settings.HOST_NAME).update(seen_at=Now() - leases.lease_length())


def doubt(*, names: Collection[str]) -> None:
    """A lease ran out there: nothing is sent to these hosts until they are heard of again."""
    if names:
        Host.objects.filter(name__in=names).update(seen_at=Now() - leases.lease_length())


def is_alive(host: Host) -> bool:
    return host.seen_at > timezone.now() - leases.lease_length()


def known() -> "QuerySet[Host, Host]":
    """Alive, or lost not long ago."""
    return Host.objects.filter(seen_at__gt=Now() - REMEMBERED).order_by("name")


def occupants(host: Host) -> "QuerySet[Engine, Engine]":
    """Engines that run there, and those that its worker is about to take."""
    sent = Q(lease_until=None, status=EngineStatus.CREATING, wanted=Wanted.ACTIVE, deleted_at=None)
    return Engine.objects.filter(Q(lease_until__isnull=False) | sent, host_name=host.name).order_by("id")


def room_of(host: Host) -> Room:
    """What of the host is free."""
    room = empty_room(host)
    for engine in occupants(host):
        room = taken(room, seat_of(engine))
    return room


def empty_room(host: Host) -> Room:
    gpus = []
    for gpu in host.gpus:
        share = int(gpu["memory_bytes"] * GPU_SHARE)
        gpus.append(Gpu(index=int(gpu["index"]), total=share, free=share))
    return Room(
        host=host.name,
        total=host.memory_bytes,
        free=host.memory_bytes,
        slots=host.slots,
        free_slots=host.slots,
        gpus=tuple(gpus),
        lost=not is_alive(host),
    )


def seat_of(engine: Engine) -> Seat:
    """What it takes now: one that sleeps keeps no more on its GPUs than what CUDA itself needs there."""
    seat = full_seat_of(engine)
    if not engine.sleep_level:
        return seat
    return replace(seat, need=min(seat.need, ASLEEP_BYTES * len(seat.gpus)))


def full_seat_of(engine: Engine) -> Seat:
    """What it takes when it is awake."""
    return Seat(engine.host_name, engine.need_bytes or 0, tuple(engine.gpus))


def gpus_here() -> list[dict[str, Any]]:
    """The GPUs that engines of this machine may use; none where vLLM is its build for CPUs."""
    if not machine.serves_on_gpus():
        return []
    try:
        return machine.gpus()
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        log.warning("host.gpus_unknown", extra=fields(error=f"{type(error).__name__}: {error}"))
        return []
