"""Where an engine waits because there is no room, one that can be spared makes some.

First those that nothing is deployed on; then those whose deployments nobody has used for a while: these
sleep, and the next request wakes them.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from embassy.deployments import moves
from embassy.deployments.models import Deployment
from embassy.deployments.schedule import parse_window
from embassy.deployments.states import LIVE, DeploymentStatus
from embassy.engines import selectors as engine_selectors
from embassy.engines import services as engines
from embassy.engines.models import Adapter, Engine
from embassy.engines.states import EngineStatus, Wanted
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

# An engine or deployment that was used within this time is not taken from anybody.
ROOM_AFTER = timedelta(seconds=60)
PATIENCE = timedelta(seconds=5)
REASON = "Put to sleep to make room for another engine. The next request wakes it."

Engines = QuerySet[Engine, Engine]


def make_room() -> None:
    """Stop one engine, the one unused longest of those that can be spared, if another waits for its place."""
    cutoff = timezone.now() - PATIENCE
    if not engine_selectors.waiting().filter(woken_at__lt=cutoff, retry_at=None).exists():
        return
    spare = unneeded_engines(ROOM_AFTER).filter(status=EngineStatus.ACTIVE).first()
    if spare is not None:
        engines.want_inactive(engine=spare, reason="Stopped to make room for another engine.")
        return
    for engine in idle_engines(ROOM_AFTER):
        if not _is_inside_a_window(engine):
            put_to_sleep(engine)
            return


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
    log.info("engine.made_room", extra=fields(engine=engine.public_id))


def _unused(age: timedelta) -> Engines:
    return (
        Engine.objects.filter(automatic=True, wanted=Wanted.ACTIVE, deleted_at=None)
        .filter(Q(last_access_at=None) | Q(last_access_at__lt=Now() - age))
        .order_by("last_access_at")
    )


def _is_inside_a_window(engine: Engine) -> bool:
    """Somebody asked for it to be up at this time."""
    now = timezone.now()
    schedules = engine.deployments.filter(status__in=LIVE).values_list("schedule", flat=True)
    return any(parse_window(schedule).current(now) for schedule in schedules if schedule)
