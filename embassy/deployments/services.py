"""Deploy, wake, put to sleep, delete. Engines and adapters are only wanted here; their supervisor acts."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from embassy.catalog import selectors as catalog
from embassy.deployments import moves, wakes
from embassy.deployments.models import Deployment, WakeCause
from embassy.deployments.models.deployment import LOG_DAYS
from embassy.deployments.rest import may_be_woken
from embassy.deployments.routes import Route
from embassy.deployments.schedule import check_timeout, parse_window
from embassy.deployments.source import Source, resolve
from embassy.deployments.states import ENDED, LIVE
from embassy.engines import keys
from embassy.engines import services as engines
from embassy.engines.command import MAX_ADAPTERS
from embassy.engines.models import Engine
from embassy.platform import notify
from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, InvalidInput
from embassy.platform.ids import new_id
from embassy.projects import audit
from embassy.projects.models import Project

MAX_LOG_DAYS = 365
PUBLIC_ID = re.compile(r"dp-[0-9A-Za-z]{22}")


@dataclass(frozen=True)
class DeploymentRequest:
    """What somebody asks for. `reference` is a training job's id or a base model's name; seconds.

    `force` deploys a checkpoint in spite of a failed parity check.
    """

    reference: str
    checkpoint: int
    name: str | None = None
    description: str = ""
    inactive_timeout: int | None = None
    schedule: dict[str, Any] | None = None
    force: bool = False
    log_requests: bool = False
    log_days: int | None = None


def create_deployment(
    *, project: Project, request: DeploymentRequest, actor: Actor, engine: Engine | None = None
) -> Deployment:
    """Deploy on the given engine, or on the automatic one. Raises InvalidInput, or Conflict for its state."""
    source = resolve(
        project=project,
        reference=request.reference,
        checkpoint=request.checkpoint,
        actor=actor,
        force=request.force,
    )
    name = checked_name(request.name)
    if request.schedule is not None:
        parse_window(request.schedule)
    timeout = _checked_timeout(request)
    if engine is not None:
        _check_fit(engine, source)
    try:
        with transaction.atomic():
            deployment = Deployment.objects.create(
                **_columns(source),
                organization_id=project.organization_id,
                project=project,
                created_by_id=actor.user_id,
                name=name,
                description=request.description,
                engine=engine or _automatic_engine(source),
                reason=engines.WAITING,
                inactive_timeout=timeout,
                schedule=request.schedule,
                log_requests=request.log_requests,
                log_days=request.log_days or LOG_DAYS,
                began_at=timezone.now(),
                woken_at=timezone.now(),
            )
            moves.bring_up(deployment)
            wakes.begin(deployment=deployment, cause=WakeCause.CREATED, reason=engines.WAITING)
            forced = {"forced": True} if source.forced else {}
            audit.record("deployment.created", deployment.public_id, actor=actor, name=name, **forced)
    except IntegrityError:
        raise Conflict(
            f"You have a deployment named {name} already. Choose another name.", code="name_taken"
        ) from None
    return deployment


@transaction.atomic
def change_logging(
    *, deployment: Deployment, log_requests: bool | None, log_days: int | None, actor: Actor
) -> None:
    """Keep inputs and outputs from now on, or no longer; what is None stays. Requests take it up at once."""
    given = {"log_requests": log_requests, "log_days": log_days}
    changes = {name: value for name, value in given.items() if value not in (None, getattr(deployment, name))}
    if not changes:
        return
    for name, value in changes.items():
        setattr(deployment, name, value)
    deployment.save(update_fields=[*changes, "updated_at"])
    audit.record("deployment.logging_changed", deployment.public_id, actor=actor, **changes)
    notify.nudge(notify.ROUTES)


@transaction.atomic
def delete_deployment(*, deployment: Deployment, actor: Actor) -> None:
    """Take it down for good: its address answers 404 from now on, and its name is free."""
    if moves.terminate(deployment):
        audit.record("deployment.deleted", deployment.public_id, actor=actor, name=deployment.name)


@transaction.atomic
def reactivate(*, deployment: Deployment, actor: Actor) -> None:
    """Wake it. Raises Conflict unless it sleeps or failed."""
    if not moves.rouse(deployment, cause=WakeCause.REACTIVATED):
        raise Conflict(
            f"Deployment {deployment.name} is {deployment.status}; there is nothing to reactivate.",
            code="already_active",
        )
    audit.record("deployment.reactivated", deployment.public_id, actor=actor)


@transaction.atomic
def deactivate(*, deployment: Deployment, actor: Actor) -> None:
    """Put it to sleep until somebody asks for it. Raises Conflict unless it is up or on its way."""
    changes = {"slept_at": Now()}
    if not moves.put_down(deployment=deployment, reason="Deactivated by hand.", changes=changes):
        raise Conflict(f"Deployment {deployment.name} is {deployment.status}.", code="not_active")
    audit.record("deployment.deactivated", deployment.public_id, actor=actor)


@transaction.atomic
def wake(*, route: Route, actor: Actor) -> None:
    """A request waits for this route: have it come up. Nothing happens if it is on its way already."""
    if route.deployment_pk is None:
        model = catalog.get_base_model(route.models[0])
        engine = engines.ensure_engine(base_model=model.name, task_type=model.task_types[0])
        wakes.begin_shared(engine=engine, model=model.name)
        return
    deployment = Deployment.objects.select_related("engine").filter(pk=route.deployment_pk).first()
    if deployment is not None and may_be_woken(deployment):
        moves.rouse(deployment, cause=WakeCause.REQUEST)
    elif deployment is not None and deployment.status in LIVE and deployment.engine.sleep_level:
        engines.want_active(engine=deployment.engine)
        wakes.begin(deployment=deployment, cause=WakeCause.REQUEST, reason=deployment.engine.reason)


@transaction.atomic
def touch(*, deployment_pks: Collection[int], engine_pks: Collection[int]) -> None:
    """These were used just now, or are in use."""
    Deployment.objects.filter(pk__in=deployment_pks).update(last_used_at=Now())
    engines.touch(engine_pks=engine_pks)


def reconcile(*, deployment_pk: int) -> None:
    """Bring the status in line with what is seen, and what is wanted in line with the status."""
    rows = Deployment.objects.select_related("engine", "adapter").filter(pk=deployment_pk)
    deployment = rows.exclude(status__in=ENDED).first()
    if deployment is None:
        return
    if deployment.status in LIVE:
        moves.settle(deployment_pk=deployment.pk)
    elif moves.follows_its_engine_up(deployment):
        moves.rouse(deployment, cause=WakeCause.REACTIVATED)


def reconcile_engine(*, engine_pk: int) -> None:
    """The engine or one of its adapters has changed."""
    settle_shared(engine_pk=engine_pk)
    pks = Deployment.objects.filter(engine_id=engine_pk).exclude(status__in=ENDED)
    for pk in pks.values_list("pk", flat=True):
        reconcile(deployment_pk=pk)


@transaction.atomic
def settle_shared(*, engine_pk: int) -> None:
    """What those who wait for a shared base model wait for may have happened."""
    engine = Engine.objects.select_for_update().filter(pk=engine_pk, automatic=True).first()
    if engine is not None:
        wakes.end_shared(engine=engine)


def create_engine(
    *,
    base_model: str,
    name: str | None,
    task_type: str | None,
    resource_management: dict[str, Any] | None,
    actor: Actor,
) -> Engine:
    """An engine of the actor's organization, with rules of its own. Raises InvalidInput, Conflict."""
    management = resource_management or {"management_type": "inactive_timeout", "management_config": {}}
    return engines.create_engine(
        name=name,
        base_model=base_model,
        task_type=task_type,
        resource_management=checked_management(management),
        actor=actor,
    )


@transaction.atomic
def delete_engine(*, engine: Engine, actor: Actor) -> None:
    """Raises Conflict while something is deployed on it."""
    count = engine.deployments.exclude(status__in=ENDED).count()
    if count:
        raise Conflict(
            f"Engine {engine.name} has {count} deployment{'s' if count > 1 else ''}. Undeploy first.",
            code="has_deployments",
        )
    engines.delete_engine(engine=engine, actor=actor)


def remove_all(*, project: Project) -> None:
    """Take down everything of a deleted project."""
    for deployment in Deployment.objects.filter(project=project).select_related("engine"):
        with transaction.atomic():
            moves.terminate(deployment)
    Deployment.objects.filter(project=project).delete()


def _automatic_engine(source: Source) -> Engine:
    base, task = source.base_model, source.task_type
    if source.needs_adapter:
        return engines.ensure_place(base_model=base, task_type=task, rank=source.rank)
    return engines.ensure_engine(base_model=base, task_type=task, merged=source.archive)


def _check_fit(engine: Engine, source: Source) -> None:
    if engine.base_model != source.base_model:
        raise InvalidInput(
            f"Engine {engine.name} serves {engine.base_model}, not {source.base_model}, which this was"
            " trained from."
        )
    if engine.kind != keys.kind_of(source.task_type):
        raise InvalidInput(f"Engine {engine.name} serves {engine.task_type}, not {source.task_type}.")
    if source.merged:
        raise InvalidInput(
            "This checkpoint is a whole model, which needs an engine of its own: create a deployment for it."
        )
    if source.rank > engine.rank:
        raise InvalidInput(
            f"Engine {engine.name} takes adapters up to rank {engine.rank}; this one has {source.rank}."
        )
    # Asleep or not: any of them may be asked for at any time, and here they have nowhere else to go.
    held = engine.deployments.exclude(status__in=ENDED).filter(checkpoint__gt=0)
    if source.needs_adapter and held.count() >= MAX_ADAPTERS:
        raise Conflict(
            f"Engine {engine.name} has {MAX_ADAPTERS} fine-tuned deployments, as many as it can hold."
            " Undeploy one, or make another engine.",
            code="engine_full",
        )


def checked_management(management: dict[str, Any]) -> dict[str, Any]:
    config = management["management_config"]
    if management["management_type"] == "schedule":
        parse_window(config)
        return management
    if "inactive_duration" in config:
        check_timeout(config["inactive_duration"])
    return management | {
        "management_config": {"inactive_duration": settings.INACTIVE_TIMEOUT_SECONDS} | config
    }


def _checked_timeout(request: DeploymentRequest) -> int:
    if request.inactive_timeout is None:
        return int(settings.INACTIVE_TIMEOUT_SECONDS)
    return check_timeout(request.inactive_timeout)


def checked_name(name: str | None) -> str:
    name = (name or "").strip() or f"deployment-{new_id('')[:6]}"
    if len(name) > 120 or not name.isprintable():
        raise InvalidInput("name: use up to 120 printable characters.")
    if PUBLIC_ID.fullmatch(name) or any(model.name == name for model in catalog.list_base_models()):
        raise InvalidInput(f"name: {name} means something else already. Choose another name.")
    return name


def _columns(source: Source) -> dict[str, Any]:
    return {
        "training_job": source.job,
        "checkpoint": source.checkpoint,
        "base_model": source.base_model,
        "task_type": source.task_type,
        "archive_key": source.archive.key if source.archive else "",
        "sha256": source.archive.sha256 if source.archive else "",
        "rank": source.rank,
        "merged": source.merged,
        "prompt_format": source.prompt_format,
        "metadata": source.metadata,
    }
