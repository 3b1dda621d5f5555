"""Where an engine waits because there is no room, others that can be spared make some.

First those that nothing is deployed on; then those whose deployments nobody has used for a while: these
sleep, and the next request wakes them. Room is made on one host, and no more of it than the first in the
queue needs.
"""

import logging
from datetime import timedelta
from itertools import chain

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from embassy.deployments import moves
from embassy.deployments.models import Deployment
from embassy.deployments.schedule import parse_window
from embassy.deployments.states import LIVE, DeploymentStatus
from embassy.engines import capacity, hosts, queue
from embassy.engines import services as engines
from embassy.engines.capacity import Room, Spare
from embassy.engines.models import Adapter, Engine
from embassy.engines.sizing import Need
from embassy.engines.states import EngineStatus, Wanted
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

REASON = "Put to sleep to make room for another engine. The next request wakes it."

Engines = QuerySet[Engine, Engine]


def make_room() -> None:
    """Stop what the first in the queue needs stopped: those unused longest, on the host with fewest."""
    waiting = queue.first_in_line()
    if waiting is None:
        return
    spare = {engine.pk: engine for engine in spare_engines()}
    chosen = cheapest(*waiting, list(spare.values()))
    for pk in chosen:
        put_to_sleep(spare[pk])


def spare_engines() -> list[Engine]:
    """Those that can be done without at this moment; the one that is missed least is the first."""
    age = timedelta(seconds=settings.ROOM_AFTER_SECONDS)
    unneeded = unneeded_engines(age).filter(status=EngineStatus.ACTIVE)
    return list(chain(unneeded, (row for row in idle_engines(age) if not _is_inside_a_window(row))))


def cheapest(need: Need, rooms: dict[str, Room], spare: list[Engine]) -> list[int]:
    """Keys of the engines to stop, all on one host; none where that would not help anywhere."""
    ranks = {engine.pk: rank for rank, engine in enumerate(spare)}
    choices = []
    for host, room in rooms.items():
        spares = [Spare(engine.pk, hosts.seat_of(engine)) for engine in spare if engine.host_name == host]
        if chosen := capacity.fewest(need, room, spares):
            choices.append([one.pk for one in chosen])
    return min(choices, key=lambda keys: (len(keys), max(ranks[pk] for pk in keys)), default=[])


def unneeded_engines(age: timedelta) -> Engines:
    """Automatic engines on which nothing is wanted, not used for `age`; the oldest use first."""
    deployments = Deployment.objects.filter(engine=OuterRef("pk"), status__in=LIVE)
    adapters = Adapter.objects.filter(engine=OuterRef("pk"), wanted=True)
    return _unused(age).exclude(Exists(deployments)).exclude(Exists(adapters))


def idle_engines(age: timedelta) -> Engines:
    """Automatic engines that are up, with deployments of which none was used for `age`."""
    since = Now() - age
    last = Coalesce(F("last_used_at"), F("woken_at"))
    live = Deployment.objects.filter(engine=OuterRef("pk"), status__in=LIVE)
    busy = live.annotate(last=last).filter(
        ~Q(status=DeploymentStatus.DEPLOYED) | Q(last__gte=since) | Q(woken_at__gte=since)
    )
    guests = Adapter.objects.filter(engine=OuterRef("pk"), wanted=True, expires_at__isnull=False)
    return (
        _unused(age)
        .filter(status=EngineStatus.ACTIVE)
        .filter(Exists(live))
        .exclude(Exists(busy))
        .exclude(Exists(guests))
    )


@transaction.atomic
def put_to_sleep(engine: Engine) -> None:
    """The engine with all that is deployed on it."""
    for deployment in engine.deployments.filter(status=DeploymentStatus.DEPLOYED).select_related("engine"):
        moves.put_down(deployment=deployment, reason=REASON, changes={"slept_at": Now()})
    engines.want_inactive(engine=engine, reason="Stopped to make room for another engine.")
    log.info("engine.made_room", extra=fields(engine=engine.public_id, host=engine.host_name))


def _unused(age: timedelta) -> Engines:
    return (
        Engine.objects.filter(automatic=True, wanted=Wanted.ACTIVE, deleted_at=None)
        .filter(Q(last_access_at=None) | Q(last_access_at__lt=Now() - age))
        .order_by(F("last_access_at").asc(nulls_first=True), "pk")
    )


def _is_inside_a_window(engine: Engine) -> bool:
    """Somebody asked for it to be up at this time."""
    now = timezone.now()
    schedules = engine.deployments.filter(status__in=LIVE).values_list("schedule", flat=True)
    return any(parse_window(schedule).current(now) for schedule in schedules if schedule)
