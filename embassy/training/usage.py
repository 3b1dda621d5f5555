"""Training time: written down hour by hour while a job trains, and added up for reports."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.utils import timezone

from embassy.platform.actor import Actor
from embassy.training.models import TrainingJob, TrainingUsage


def add_training_seconds(*, job: TrainingJob, attempt: int, seconds: float) -> None:
    """Add to the present hour. The job's row must be locked: nobody else writes its rows then."""
    if seconds <= 0:
        return
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    row = {"job_pk": job.pk, "attempt": attempt, "hour": hour}
    if TrainingUsage.objects.filter(**row).update(seconds=F("seconds") + seconds):
        return
    TrainingUsage.objects.create(
        **row,
        organization_pk=job.project.organization_id,
        project_pk=job.project_id,
        user_pk=job.created_by_id,
        seconds=seconds,
    )


def training_usage(
    actor: Actor, *, since: datetime, until: datetime, project_pk: int | None = None
) -> "QuerySet[TrainingUsage, TrainingUsage]":
    """Rows of hours that begin within the time. A key that is limited to projects sees those."""
    rows = TrainingUsage.objects.filter(
        organization_pk=actor.organization_id, hour__gte=since, hour__lt=until
    )
    if actor.projects is not None:
        rows = rows.filter(project_pk__in=actor.projects)
    return rows if project_pk is None else rows.filter(project_pk=project_pk)


def seconds_by(rows: "QuerySet[TrainingUsage, TrainingUsage]", column: Any) -> Mapping[Any, float]:
    """Seconds by the values of a column, or of an expression on one."""
    groups = rows.order_by().values(group=column if not isinstance(column, str) else F(column))
    return {row["group"]: row["total"] for row in groups.annotate(total=Sum("seconds"))}
