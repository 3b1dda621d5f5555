"""How long wakes took, and so how long the next one is likely to take. Times are seconds."""

from statistics import median

from django.db.models import Q, QuerySet
from django.utils import timezone

from embassy.deployments.models import Deployment, Wake, WakeCause, WakeOutcome
from embassy.deployments.routes import Route
from embassy.engines.models import Engine

LAST = 5  # wakes that count
UNKNOWN = 10.0
LONGEST = 60.0

Wakes = QuerySet[Wake, Wake]


def wakes_of(deployment: Deployment) -> Wakes:
    """Newest first."""
    return deployment.wakes.order_by("-id")


def last_wake(deployment: Deployment) -> Wake | None:
    return wakes_of(deployment).first()


def expected_seconds(route: Route) -> float:
    """Until this route answers: the median of its last wakes, less what has passed of the present one."""
    own = Q(engine_id=route.engine_pk, deployment=None)
    if route.deployment_pk is not None:
        own = Q(deployment_id=route.deployment_pk)
    usual = _median(own) or _median(Q(engine_id=route.engine_pk)) or _last_start(route) or UNKNOWN
    return _left(usual, _passed(own))


def _median(which: Q) -> float | None:
    # Creation may wait for nothing but an adapter: no measure of a wake.
    rows = Wake.objects.filter(which, outcome=WakeOutcome.READY).exclude(cause=WakeCause.CREATED)
    seconds = rows.order_by("-id").values_list("seconds", flat=True)[:LAST]
    return median(known) if (known := [one for one in seconds if one is not None]) else None


def _last_start(route: Route) -> float | None:
    rows = Engine.objects.filter(pk=route.engine_pk or 0)
    return rows.values_list("start_seconds", flat=True).first()


def _passed(which: Q) -> float:
    asked_at = (
        Wake.objects.filter(which, outcome=WakeOutcome.WAITING).values_list("asked_at", flat=True).last()
    )
    return (timezone.now() - asked_at).total_seconds() if asked_at else 0.0


def _left(usual: float, passed: float) -> float:
    """One that is overdue may well take half as long again."""
    return usual - passed if passed < usual else min(LONGEST, passed / 2)
