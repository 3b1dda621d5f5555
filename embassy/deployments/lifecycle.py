"""What a deployment's status should be, given what is seen of its engine and adapter. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from embassy.deployments.models import Deployment
from embassy.deployments.states import LIVE, DeploymentStatus
from embassy.engines.models import Adapter, Engine
from embassy.engines.states import EngineStatus, Wanted


@dataclass(frozen=True)
class Verdict:
    """The status to have, and why; `reason` is empty where there is nothing to explain."""

    status: str
    reason: str = ""


def judge(deployment: Deployment, *, now: datetime, limit: timedelta) -> Verdict:
    """`limit` bounds an attempt to deploy. A status that is not live stays as it is."""
    engine = deployment.engine
    if deployment.status not in LIVE:
        return Verdict(deployment.status, deployment.reason)
    if _goes_down_with(engine):
        return Verdict(DeploymentStatus.DEACTIVATED, engine.reason or "Its engine is inactive.")
    if is_serving(deployment):
        return Verdict(DeploymentStatus.DEPLOYED)
    if deployment.status == DeploymentStatus.DEPLOYED and _naps(engine):
        return Verdict(DeploymentStatus.DEPLOYED, engine.reason)
    if failure := _failure(engine, deployment.adapter):
        return Verdict(DeploymentStatus.FAILED, failure)
    if deployment.status == DeploymentStatus.DEPLOYED:
        return Verdict(DeploymentStatus.REACTIVATING, engine.reason)
    if now - deployment.began_at > limit:
        return Verdict(DeploymentStatus.TIMED_OUT, _overdue(engine, limit))
    return Verdict(_on_the_way(deployment), engine.reason or "Loading its adapter.")


def is_serving(deployment: Deployment) -> bool:
    """Whether a request would be answered now."""
    if not deployment.engine.routable:
        return False
    return not deployment.needs_adapter or (deployment.adapter is not None and deployment.adapter.ready)


def _goes_down_with(engine: Engine) -> bool:
    """An organization's own engine was stopped by its rules or by hand: all that is on it sleeps, at once."""
    return engine.wanted == Wanted.INACTIVE and not engine.automatic and not engine.gave_up


def _naps(engine: Engine) -> bool:
    """On its way to vLLM's sleep, there, or on its way back: it is wanted, and comes back by itself."""
    pauses = engine.sleep_level > 0 or engine.draining
    return pauses and engine.status == EngineStatus.ACTIVE and engine.wanted == Wanted.ACTIVE


def _failure(engine: Engine, adapter: Adapter | None) -> str:
    if engine.gave_up:
        return f"Its engine does not start. {engine.reason}"
    return adapter.error if adapter is not None else ""


def _on_the_way(deployment: Deployment) -> str:
    begun = deployment.engine.lease_until is not None
    if deployment.status == DeploymentStatus.PENDING and begun:
        return DeploymentStatus.DEPLOYING
    return deployment.status


def _overdue(engine: Engine, limit: timedelta) -> str:
    minutes = round(limit.total_seconds() / 60)
    return f"It was not up within {minutes} minutes. {engine.reason} Reactivate it to try again.".replace(
        "  ", " "
    )
