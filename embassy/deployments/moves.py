"""The moves of a deployment, and what each wants of its engine and adapter. Acts of users: services.py."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from embassy.deployments import lifecycle, wakes
from embassy.deployments.models import Deployment, WakeCause
from embassy.deployments.states import DEPLOYMENT, LIVE, DeploymentStatus
from embassy.engines import services as engines
from embassy.engines.keys import Archive
from embassy.engines.models import Engine
from embassy.engines.states import Wanted
from embassy.platform import notify
from embassy.platform.enqueue import enqueue

ASLEEP = frozenset({DeploymentStatus.DEACTIVATED, DeploymentStatus.FAILED, DeploymentStatus.TIMED_OUT})


def bring_up(deployment: Deployment) -> None:
    """Want all that it needs, and look at it soon."""
    _want_adapter(deployment)
    engines.want_active(engine=deployment.engine)
    notify.nudge(notify.ROUTES)
    enqueue("deployments.reconcile", deployment.pk)


@transaction.atomic
def rouse(deployment: Deployment, *, cause: WakeCause, reason: str = "Waking.") -> bool:
    """Wake it, if it sleeps or failed. False: there was nothing to wake."""
    changes: dict[str, Any] = {"reason": reason, "began_at": Now()}
    if cause != WakeCause.SCHEDULE:  # somebody asked for it
        changes |= {"woken_at": Now()}
    moved = DEPLOYMENT.transition(
        deployment, DeploymentStatus.REACTIVATING, sources=ASLEEP, reason=reason, changes=changes
    )
    if moved:
        bring_up(deployment)
        wakes.begin(deployment=deployment, cause=cause, reason=reason)
    return moved


@transaction.atomic
def put_down(*, deployment: Deployment, reason: str, changes: dict[str, Any] | None = None) -> bool:
    """Put it to sleep. False: it was neither up nor on its way."""
    moved = DEPLOYMENT.transition(
        deployment,
        DeploymentStatus.DEACTIVATED,
        reason=reason,
        changes={"reason": reason, "adapter": None} | (changes or {}),
    )
    if moved:
        wakes.end(deployment=deployment, reason=reason)
        _drop_adapter(deployment)
    return moved


@transaction.atomic
def terminate(deployment: Deployment) -> bool:
    """Take it down for good. False: somebody did so before."""
    moved = _end(deployment, DeploymentStatus.CANCELLED) or _end(deployment, DeploymentStatus.TERMINATED)
    if moved:
        wakes.end(deployment=deployment, reason="It was deleted.")
        _drop_adapter(deployment)
    return moved


@transaction.atomic
def settle(*, deployment_pk: int) -> None:
    """Bring a live deployment in line with what is seen of its engine and adapter."""
    rows = Deployment.objects.select_for_update(of=("self",)).select_related("engine", "adapter")
    # Locked: nothing may be wanted for a deployment that somebody deletes meanwhile.
    deployment = rows.filter(pk=deployment_pk, status__in=LIVE).first()
    if deployment is None:
        return
    limit = timedelta(seconds=2 * settings.ENGINE_START_SECONDS)
    verdict = lifecycle.judge(deployment, now=timezone.now(), limit=limit)
    if verdict.status == deployment.status:
        _explain(deployment, verdict.reason)
    else:
        _move(deployment, verdict)
    if verdict.status in LIVE:
        _want_again(deployment)


def follows_its_engine_up(deployment: Deployment) -> bool:
    """Deployments on an organization's own engine come back with it, unless put to sleep by hand.

    One that failed tries again if the engine was asked for since.
    """
    engine = deployment.engine
    if deployment.status not in ASLEEP or engine.automatic or engine.wanted != Wanted.ACTIVE:
        return False
    if deployment.status != DeploymentStatus.DEACTIVATED:
        return engine.woken_at is not None and deployment.updated_at < engine.woken_at
    by_hand = deployment.slept_at is not None and deployment.slept_at > deployment.woken_at
    return not by_hand


def _end(deployment: Deployment, status: DeploymentStatus) -> bool:
    return DEPLOYMENT.transition(
        deployment,
        status,
        reason="It was deleted.",
        # It lets go of its job, so that the job may be deleted too.
        changes={"reason": "It was deleted.", "adapter": None, "training_job": None},
        data={"checkpoint": deployment.checkpoint, "base_model": deployment.base_model},
    )


def _move(deployment: Deployment, verdict: lifecycle.Verdict) -> None:
    changes: dict[str, Any] = {"reason": verdict.reason}
    if verdict.status == DeploymentStatus.REACTIVATING:
        changes["began_at"] = Now()
    if verdict.status not in LIVE:
        changes["adapter"] = None
    moved = DEPLOYMENT.transition(
        deployment, verdict.status, sources={deployment.status}, reason=verdict.reason, changes=changes
    )
    if moved and verdict.status not in LIVE:
        _drop_adapter(deployment)
    if moved:
        _record(deployment, verdict)
    notify.nudge(notify.ROUTES)


def _record(deployment: Deployment, verdict: lifecycle.Verdict) -> None:
    """The wake that this move begins or ends."""
    if deployment.status == DeploymentStatus.REACTIVATING:
        wakes.begin(deployment=deployment, cause=WakeCause.ENGINE_LOST, reason=verdict.reason)
    elif deployment.status in wakes.OUTCOMES:
        wakes.end(deployment=deployment, reason=verdict.reason)


def _explain(deployment: Deployment, reason: str) -> None:
    if deployment.reason != reason:
        wakes.explain(deployment=deployment, reason=reason)
        Deployment.objects.filter(pk=deployment.pk).update(reason=reason)
        notify.nudge(notify.ROUTES)


def _want_again(deployment: Deployment) -> None:
    """An engine or adapter that was let go just as this deployment came up is wanted again."""
    adapter = deployment.adapter
    if adapter is None or not adapter.wanted:
        _want_adapter(deployment)
    if deployment.engine.wanted == Wanted.INACTIVE:
        engines.want_active(engine=deployment.engine)


def _want_adapter(deployment: Deployment) -> None:
    """On its engine, or if that is full, on another of its kind. Call it before you write to an engine."""
    if not deployment.needs_adapter:
        return
    if deployment.engine.automatic:
        deployment.engine = _engine_with_place(deployment)
    deployment.adapter = engines.want_adapter(
        engine=deployment.engine,
        name=deployment.upstream_model,
        archive=Archive(deployment.archive_key, deployment.sha256),
        rank=deployment.rank,
    )
    deployment.save(update_fields=["adapter", "engine"])


def _engine_with_place(deployment: Deployment) -> Engine:
    return engines.ensure_place(
        base_model=deployment.base_model,
        task_type=deployment.task_type,
        rank=deployment.rank,
        name=deployment.upstream_model,
        present=deployment.engine_id,
    )


def _drop_adapter(deployment: Deployment) -> None:
    adapter = deployment.engine.adapters.filter(name=deployment.upstream_model).first()
    if adapter is not None:
        engines.drop_adapter(adapter=adapter)
    notify.nudge(notify.ROUTES)
