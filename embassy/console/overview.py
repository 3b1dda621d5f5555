"""What projects hold and what they were lately used for, in a handful of queries for a page of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from embassy.datasets.models import Dataset
from embassy.deployments.models import Deployment
from embassy.deployments.states import ENDED
from embassy.inference.models.usage import day_of, hour_of
from embassy.inference.reports.report import Question, sums
from embassy.inference.spending import Total
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from embassy.training.states import UNFINISHED

DAY, MONTH = timedelta(hours=23), timedelta(days=29)  # and the hour or day that is


@dataclass(frozen=True)
class Holdings:
    """`day` and `month`: what was asked in the last 24 hours and 30 days."""

    datasets: int
    jobs: int
    unfinished: int
    deployments: int
    day: Total
    month: Total


def holdings_of(actor: Actor, projects: Sequence[Project], now: datetime) -> dict[int, Holdings]:
    """By primary key of the project, for each of them."""
    pks = [project.pk for project in projects]
    datasets = _counts(Dataset.objects.filter(project__in=pks))
    jobs = _counts(TrainingJob.objects.filter(project__in=pks))
    unfinished = _counts(TrainingJob.objects.filter(project__in=pks, status__in=UNFINISHED))
    deployments = _counts(Deployment.objects.filter(~Q(status__in=ENDED), project__in=pks))
    only = pks[0] if len(pks) == 1 else None
    day = _used(actor, hour_of(now) - DAY, now, only)
    month = _used(actor, day_of(now) - MONTH, now, only)
    return {
        pk: Holdings(
            datasets.get(pk, 0),
            jobs.get(pk, 0),
            unfinished.get(pk, 0),
            deployments.get(pk, 0),
            day.get(pk, Total()),
            month.get(pk, Total()),
        )
        for pk in pks
    }


def _counts(rows: "QuerySet[Any, Any]") -> dict[int, int]:
    groups = rows.order_by().values("project_id").annotate(amount=Count("pk"))
    return {row["project_id"]: row["amount"] for row in groups}


def _used(actor: Actor, since: datetime, until: datetime, project_pk: int | None) -> dict[Any, Total]:
    question = Question(since, until + timedelta(seconds=1), ("project",), project_pk=project_pk)
    return {pk: total for (pk,), total in sums(actor, question).items()}
