"""Reads in the shape of the console's pages. They start from the apps' own selectors, which know who asks."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import F, FilteredRelation, FloatField, Func, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce

from embassy.catalog.selectors import list_base_models
from embassy.console.actor import Visitor
from embassy.deployments.models import Deployment
from embassy.deployments.selectors import deployments_visible_to
from embassy.deployments.states import ENDED
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound
from embassy.projects.models import ApiKey, Project
from embassy.projects.selectors import projects_visible_to
from embassy.training.models import Checkpoint, JobEvent, TestResult, TrainingJob
from embassy.training.spec import EventType


def with_best_score(jobs: "QuerySet[TrainingJob, TrainingJob]") -> "QuerySet[TrainingJob, TrainingJob]":
    """Each with `score_name`, the function that selects its best checkpoint, and that one's `best_score`."""
    best = Checkpoint.objects.filter(job=OuterRef("pk"), best=True).values("number")[:1]
    value = _score(F("scores"), OuterRef("score_name"))
    results = TestResult.objects.filter(job=OuterRef("pk"), number=OuterRef("best_number"))
    return jobs.annotate(
        score_name=_score_name(),
        best_number=Subquery(best),
        best_score=Subquery(
            results.annotate(value=Cast(value, FloatField())).values("value")[:1], output_field=FloatField()
        ),
    )


def by_best_score(jobs: "QuerySet[TrainingJob, TrainingJob]") -> "QuerySet[TrainingJob, TrainingJob]":
    """As above with `best_score` alone, by joins: to sort very many by it, of which few are shown."""
    return jobs.alias(
        best_checkpoint=FilteredRelation("checkpoints", condition=Q(checkpoints__best=True)),
        best_result=FilteredRelation(
            "test_results", condition=Q(test_results__number=F("best_checkpoint__number"))
        ),
        score_name=_score_name(),
        best_score=Cast(_score(F("best_result__scores"), F("score_name")), FloatField()),
    )


def _score_name() -> Coalesce:
    chosen = KeyTextTransform("test_function", KeyTransform("selection", "spec"))
    return Coalesce(chosen, F("test_functions__0"), output_field=TextField())


def _score(scores: F, name: F | OuterRef) -> Func:
    return Func(scores, name, function="jsonb_extract_path_text", output_field=TextField())


def deployments_of_job(job: TrainingJob) -> "QuerySet[Deployment, Deployment]":
    return job.deployments.exclude(status__in=ENDED).order_by("id")


def newest_events(job: TrainingJob, limit: int = 100) -> "QuerySet[JobEvent, JobEvent]":
    """What happened last comes first. Single steps are left out: the curve shows them."""
    return job.events.exclude(kind="step").order_by("-id")[:limit]


def warnings_of(job: TrainingJob) -> list[dict[str, Any]]:
    """What somebody should know, each once, the newest first."""
    found = job.events.filter(kind="warning").order_by("-id").values_list("data", flat=True)
    return list({(data.get("code"), data.get("message")): data for data in found}.values())


def preflight_of(job: TrainingJob) -> dict[str, Any] | None:
    """What the newest attempt knew before its first step."""
    event = job.events.filter(kind="preflight").order_by("-id").first()
    return None if event is None else dict(event.data)


def course_of(job: TrainingJob) -> Iterator[tuple[int, str, datetime, dict[str, Any]]]:
    """Id, kind, time and data of every step and evaluation, in order."""
    events = job.events.filter(kind__in=(EventType.STEP, EventType.EVAL)).order_by("id")
    return events.values_list("id", "kind", "at", "data").iterator()


def last_step(job: TrainingJob) -> JobEvent | None:
    return job.events.filter(kind="step").order_by("-id").first()


def keys_shown_to(visitor: Visitor) -> "QuerySet[ApiKey, ApiKey]":
    """The visitor's own keys; an owner or admin sees everybody's. Revoked ones are not shown."""
    keys = ApiKey.objects.filter(organization=visitor.organization, revoked_at=None)
    keys = keys.select_related("user").prefetch_related("projects")
    return (keys if visitor.is_admin else keys.filter(user=visitor.user)).order_by("-id")


def get_key(visitor: Visitor, prefix: str) -> ApiKey:
    key = keys_shown_to(visitor).filter(prefix=prefix).first()
    if key is None:
        raise NotFound("There is no such key.")
    return key


def projects_to_choose(actor: Actor, limit: int = 200) -> "QuerySet[Project, Project]":
    return projects_visible_to(actor).order_by("-id")[:limit]


def model_names_to_choose(actor: Actor, limit: int = 200) -> list[str]:
    """What a key can be limited to: deployments by name, then the base models that need none."""
    deployments = deployments_visible_to(actor).order_by("-id").values_list("name", flat=True)[:limit]
    serverless = [model.name for model in list_base_models() if model.support_serverless]
    return list(dict.fromkeys([*deployments, *serverless]))
