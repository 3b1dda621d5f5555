"""The record of wakes: one row from the act that asked until it is up, however many requests wait for it.

Called in the transactions of the moves, with the row of the deployment or the engine locked by them: that is
why there is never a second row for one wake.
"""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from embassy.deployments.models import Deployment, Wake, WakeCause, WakeOutcome
from embassy.deployments.states import DeploymentStatus
from embassy.engines.models import Engine
from embassy.engines.states import Wanted

KEPT = timedelta(days=90)

OUTCOMES = {
    DeploymentStatus.DEPLOYED: WakeOutcome.READY,
    DeploymentStatus.FAILED: WakeOutcome.FAILED,
    DeploymentStatus.TIMED_OUT: WakeOutcome.FAILED,
    DeploymentStatus.DEACTIVATED: WakeOutcome.GIVEN_UP,
    DeploymentStatus.CANCELLED: WakeOutcome.GIVEN_UP,
    DeploymentStatus.TERMINATED: WakeOutcome.GIVEN_UP,
}


def begin(*, deployment: Deployment, cause: WakeCause, reason: str = "") -> None:
    """It is on its way up from now on."""
    names = {"deployment": deployment, "engine_id": deployment.engine_id, "model": deployment.name}
    if not _waiting(Q(deployment=deployment)).exists():
        Wake.objects.create(**names, cause=cause, reason=reason, asked_at=Now())


def begin_shared(*, engine: Engine, model: str) -> None:
    """A request waits for a shared base model: it is deployed by nobody."""
    if not engine.routable and not _waiting(_shared(engine)).exists():
        Wake.objects.create(
            engine=engine, model=model, cause=WakeCause.REQUEST, reason=engine.reason, asked_at=Now()
        )


def explain(*, deployment: Deployment, reason: str) -> None:
    """Why it still waits."""
    _waiting(Q(deployment=deployment)).update(reason=reason)


def end(*, deployment: Deployment, reason: str = "") -> None:
    """It reached a status in which nobody waits any more; `reason` says why, where that is a failure."""
    outcome = OUTCOMES[DeploymentStatus(deployment.status)]
    adapter = deployment.adapter if deployment.needs_adapter else None
    seen = [deployment.engine.active_at, adapter.loaded_at if adapter else None]
    at = max((time for time in seen if time), default=None) if outcome == WakeOutcome.READY else None
    _end(Q(deployment=deployment), outcome, at, reason)


def end_shared(*, engine: Engine) -> None:
    """The engine has changed: those who waited for it alone may be through."""
    if engine.routable:
        _end(_shared(engine), WakeOutcome.READY, engine.active_at)
        # Deployments stay Deployed while their engine naps: no move ends their wakes.
        _end(Q(engine=engine, deployment__status=DeploymentStatus.DEPLOYED), WakeOutcome.READY, None)
    elif engine.gave_up:
        _end(_shared(engine), WakeOutcome.FAILED, None, engine.reason)
    elif engine.deleted_at is not None or engine.wanted == Wanted.INACTIVE:
        _end(_shared(engine), WakeOutcome.GIVEN_UP, None, engine.reason)
    else:
        _waiting(_shared(engine)).update(reason=engine.reason)


def engines_waited_for() -> set[int]:
    """Primary keys of those whose wakes no move of a deployment ends."""
    unmoved = Q(deployment=None) | Q(deployment__status=DeploymentStatus.DEPLOYED)
    waiting = _waiting(unmoved & Q(engine__isnull=False))
    return {pk for pk in waiting.values_list("engine_id", flat=True) if pk is not None}


def forget_old() -> None:
    Wake.objects.filter(asked_at__lt=Now() - KEPT).delete()


def _end(which: Q, outcome: WakeOutcome, at: datetime | None, reason: str = "") -> None:
    """`at`: when what was waited for was there; we may hear of it a moment later."""
    for wake in _waiting(which).select_for_update():
        # It may have been up all the while, or the act may be later than what we saw.
        ended = at if at is not None and at > wake.asked_at else timezone.now()
        changes = {"reason": reason} if reason or outcome == WakeOutcome.READY else {}
        seconds = max(0.0, (ended - wake.asked_at).total_seconds())
        Wake.objects.filter(pk=wake.pk).update(outcome=outcome, ended_at=ended, seconds=seconds, **changes)


def _waiting(which: Q) -> "QuerySet[Wake, Wake]":
    return Wake.objects.filter(which, outcome=WakeOutcome.WAITING)


def _shared(engine: Engine) -> Q:
    return Q(engine=engine, deployment=None)
