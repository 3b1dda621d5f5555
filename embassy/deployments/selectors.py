"""Reads of deployments, and the routes that the gateway follows."""

import hashlib
import hmac
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from embassy.catalog import selectors as catalog
from embassy.catalog.base_model import BaseModel
from embassy.deployments import lifecycle
from embassy.deployments.models import Deployment
from embassy.deployments.rest import may_be_woken
from embassy.deployments.routes import Route, RouteState
from embassy.deployments.states import ENDED, LIVE
from embassy.engines import selectors as engine_selectors
from embassy.engines import services as engines
from embassy.engines.models import Engine
from embassy.engines.states import Wanted
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput, NotFound
from embassy.projects.models import Project
from embassy.projects.selectors import projects_visible_to

# For so long requests hear that a deployment was deleted, not that there never was one.
REMEMBERED = timedelta(hours=1)

Rows = QuerySet[Deployment, Deployment]


def deployments_visible_to(actor: Actor) -> Rows:
    rows = Deployment.objects.filter(project__in=projects_visible_to(actor))
    return rows.exclude(status__in=ENDED).order_by("id")


def deployments_of(actor: Actor, project: Project) -> Rows:
    return deployments_visible_to(actor).filter(project=project)


def get_deployment(actor: Actor, project: Project, public_id: str) -> Deployment:
    rows = deployments_of(actor, project).select_related("engine", "adapter", "training_job")
    deployment = rows.filter(public_id=public_id).first()
    if deployment is None:
        raise NotFound(f"This project has no deployment {public_id}.")
    return deployment


def deployments_on(actor: Actor, engine: Engine) -> Rows:
    return deployments_visible_to(actor).filter(engine=engine)


def find_on_engine(actor: Actor, engine: Engine, name: str) -> Deployment:
    """By name or id. Raises InvalidInput, because callers name it in a body."""
    rows = deployments_on(actor, engine).filter(Q(name=name) | Q(public_id=name))
    deployment = rows.select_related("engine").first()
    if deployment is None:
        raise InvalidInput(f"deployment_name: there is no deployment {name} on engine {engine.name}.")
    return deployment


def engines_with_counts(actor: Actor) -> "QuerySet[Engine, Engine]":
    """The actor's engines with `deployment_counts`."""
    live = ~Q(deployments__status__in=ENDED)
    return engine_selectors.engines_visible_to(actor).annotate(
        deployment_counts=Count("deployments", filter=live)
    )


def routes() -> list[Route]:
    """Everything that a request may name: deployments of all organizations, and serverless base models."""
    remembered = Q(status__in=ENDED, updated_at__lt=Now() - REMEMBERED)
    rows = Deployment.objects.exclude(remembered).filter(project__deleted_at=None)
    deployments = rows.select_related("engine", "adapter").order_by("id")
    serverless = [model for model in catalog.list_base_models() if model.support_serverless]
    return [
        *(deployment_route(row) for row in deployments),
        *(base_model_route(model) for model in serverless),
    ]


def deployment_route(row: Deployment) -> Route:
    engine, prompt, head = row.engine, row.prompt_format or {}, row.metadata
    return Route(
        kind="deployment",
        models=(row.name, row.public_id),
        organization_id=row.organization_id,
        project_id=row.project_id,
        deployment_pk=row.pk,
        engine_pk=engine.pk,
        engine_id=engine.public_id,
        host=engine.host,
        port=engine.port,
        api_key=engine.api_key,
        upstream_model=row.upstream_model,
        task_type=row.task_type,
        prompt_prefix=prompt.get("prefix"),
        prompt_suffix=prompt.get("suffix"),
        context_length=engine.max_model_len,
        state=deployment_state(row),
        reason=row.reason,
        cache_salt=cache_salt(),
        labels=tuple(head.get("labels") or ()),
        multi_label=bool(head.get("multi_label")),
        mean=head.get("mean", 0.0),
        deviation=head.get("deviation", 1.0),
        log_requests=row.log_requests and row.status not in ENDED,
    )


def deployment_state(row: Deployment) -> RouteState:
    if row.status in LIVE:
        if lifecycle.is_serving(row):
            return "ready"
        return "asleep" if row.engine.sleep_level else "starting"
    if may_be_woken(row):
        return "asleep"
    return "terminated" if row.status in ENDED else "failed"


def base_model_route(model: BaseModel) -> Route:
    key = engines.key_for(base_model=model.name, task_type=model.task_types[0])
    engine = Engine.objects.filter(**key.columns(), shard=0, automatic=True, deleted_at=None).first()
    return Route(
        kind="base_model",
        models=tuple(name for name in (model.name, model.hf_id) if name),
        organization_id=None,
        project_id=None,
        deployment_pk=None,
        engine_pk=engine.pk if engine else None,
        engine_id=engine.public_id if engine else None,
        host=engine.host if engine else "",
        port=engine.port if engine else 0,
        api_key=engine.api_key if engine else "",
        upstream_model="base",
        task_type=model.task_types[0],
        prompt_prefix=None,
        prompt_suffix=None,
        context_length=key.max_model_len,
        state=engine_state(engine) if engine else "asleep",
        reason=engine.reason if engine else "Nobody has used it yet.",
        cache_salt=cache_salt(),
    )


def engine_state(engine: Engine) -> RouteState:
    if engine.routable:
        return "ready"
    if engine.wanted == Wanted.ACTIVE:
        return "asleep" if engine.sleep_level else "starting"
    # Given up just now: refuse for a while instead of starting it in vain for every request.
    resting = engine.gave_up and engine.retry_at is not None and engine.retry_at > timezone.now()
    return "failed" if resting else "asleep"


def cache_salt() -> str:
    """What the gateway adds to an organization, so that nobody else can guess its share of the cache."""
    return hmac.new(settings.SECRET_KEY.encode(), b"cache-salt", hashlib.sha256).hexdigest()
