"""What the scheduler does for deployments: mend statuses, apply schedules, let unused engines go."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from embassy.deployments import moves, room, services, wakes
from embassy.deployments.models import Deployment, WakeCause
from embassy.deployments.schedule import Decision, History, Rules, decide, parse_window
from embassy.deployments.states import LIVE, DeploymentStatus
from embassy.engines import services as engines
from embassy.engines.models import Engine
from embassy.engines.states import Wanted
from embassy.platform.logs import fields

log = logging.getLogger(__name__)


def reconcile() -> None:
    """Look at every deployment that is up, on its way, or led by its engine."""
    led = Q(status__in=moves.ASLEEP, engine__automatic=False)
    for pk in Deployment.objects.filter(Q(status__in=LIVE) | led).values_list("pk", flat=True):
        services.reconcile(deployment_pk=pk)
    for pk in wakes.engines_waited_for():
        services.settle_shared(engine_pk=pk)


def apply_schedules() -> None:
    apply_to_deployments()
    apply_to_engines()
    retire_unused_engines()


def apply_to_deployments() -> None:
    """Deployments on automatic engines have rules of their own."""
    statuses = (DeploymentStatus.DEPLOYED, *moves.ASLEEP)
    rows = Deployment.objects.filter(status__in=statuses, engine__automatic=True).select_related("engine")
    for deployment in rows:
        decision = decision_for(deployment)
        if deployment.status == DeploymentStatus.DEPLOYED and not decision.on:
            moves.put_down(deployment=deployment, reason=decision.reason)
            log.info("deployment.slept", extra=fields(deployment=deployment.public_id))
        elif decision.on and is_due(deployment, decision):
            moves.rouse(deployment, cause=WakeCause.SCHEDULE, reason=decision.reason)


def apply_to_engines() -> None:
    """Engines of organizations have rules for all that is on them."""
    for engine in Engine.objects.filter(automatic=False, deleted_at=None):
        decision = engine_decision(engine)
        if engine.wanted == Wanted.ACTIVE and not decision.on:
            engines.want_inactive(engine=engine, reason=decision.reason)
        elif engine.wanted == Wanted.INACTIVE and decision.on and engine_is_due(engine, decision):
            engines.want_active(engine=engine)


def retire_unused_engines() -> None:
    """Stop automatic engines that nobody needs or used for INACTIVE_TIMEOUT_SECONDS."""
    age = timedelta(seconds=settings.INACTIVE_TIMEOUT_SECONDS)
    for engine in room.unneeded_engines(age):
        engines.want_inactive(
            engine=engine, reason=f"Not used for {settings.INACTIVE_TIMEOUT_SECONDS} seconds."
        )


def is_due(deployment: Deployment, decision: Decision) -> bool:
    """One that failed gets another chance when a window opens, and no more than that."""
    if deployment.status == DeploymentStatus.DEACTIVATED:
        return True
    if deployment.status not in moves.ASLEEP or decision.since is None:
        return False
    return deployment.updated_at < decision.since


def engine_is_due(engine: Engine, decision: Decision) -> bool:
    if not engine.gave_up:
        return True
    return decision.since is not None and engine.updated_at < decision.since


def decision_for(deployment: Deployment) -> Decision:
    window = parse_window(deployment.schedule) if deployment.schedule else None
    history = History(deployment.woken_at, deployment.last_used_at, deployment.slept_at)
    return decide(Rules(deployment.inactive_timeout, window), history, timezone.now())


def engine_decision(engine: Engine) -> Decision:
    history = History(engine.woken_at or engine.created_at, engine.last_access_at, engine.slept_at)
    return decide(engine_rules(engine.resource_management), history, timezone.now())


def engine_rules(management: dict[str, Any]) -> Rules:
    """The API's `{management_type, management_config}`; nothing means the default idle timeout."""
    config = management.get("management_config") or {}
    if management.get("management_type") == "schedule":
        return Rules(settings.INACTIVE_TIMEOUT_SECONDS, parse_window(config))
    return Rules(int(config.get("inactive_duration") or settings.INACTIVE_TIMEOUT_SECONDS))
