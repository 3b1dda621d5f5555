"""Usage as the pages show it: added up by what was asked for, and hour by hour or day by day."""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models.functions import TruncDay

from embassy.console.usage.figures import Figures
from embassy.console.usage.period import Period
from embassy.inference.reports.report import Question, sums
from embassy.platform.actor import Actor
from embassy.projects.models import ApiKey
from embassy.training.usage import seconds_by, training_usage

DIMENSIONS = {
    "project": "Project",
    "deployment": "Deployment",
    "model": "Model",
    "key": "API key",
    "person": "Person",
}
TRAINED = {"project": "project_pk", "person": "user_pk"}  # what training time is known by

Lines = dict[Hashable, Figures]  # by primary key, name of a model, or time


@dataclass(frozen=True)
class Scope:
    """Whose usage: all that the actor may see, or one project's."""

    actor: Actor
    project_pk: int | None = None


def total_of(lines: Mapping[Any, Figures]) -> Figures:
    total = Figures()
    for figures in lines.values():
        total.add(figures)
    return total


def by_dimension(scope: Scope, dimension: str, since: datetime, until: datetime) -> Lines:
    """None is what belongs to no project, deployment or key. Raises InvalidInput for too many groups.

    Training time is nobody's in a table of deployments, models or keys.
    """
    column = "key" if dimension == "person" else dimension
    lines = _answered(scope, column, since, until)
    if dimension == "person":
        lines = _by_person(scope.actor, lines)
    if dimension in TRAINED:
        rows = training_usage(scope.actor, since=since, until=until, project_pk=scope.project_pk)
        _add_training(lines, seconds_by(rows, TRAINED[dimension]))
    return lines


def by_time(scope: Scope, period: Period) -> Lines:
    """Every step of the time, also those in which nothing was used."""
    lines: Lines = {begin: Figures() for begin in period.steps()}
    for begin, figures in _answered(scope, period.unit, period.since, period.until).items():
        lines.setdefault(begin, Figures()).add(figures)
    rows = training_usage(scope.actor, since=period.since, until=period.until, project_pk=scope.project_pk)
    step = "hour" if period.unit == "hour" else TruncDay("hour", tzinfo=UTC)
    _add_training(lines, seconds_by(rows, step))
    return lines


def _answered(scope: Scope, column: str, since: datetime, until: datetime) -> Lines:
    question = Question(since, until, (column,), project_pk=scope.project_pk)
    return {group: Figures.of(total) for (group,), total in sums(scope.actor, question).items()}


def _by_person(actor: Actor, by_key: Lines) -> Lines:
    keys = ApiKey.objects.filter(organization_id=actor.organization_id)
    people = dict(keys.values_list("pk", "user_id"))
    lines: Lines = defaultdict(Figures)
    for key, figures in by_key.items():
        lines[people.get(key)].add(figures)  # type: ignore[call-overload]  # a key, or None
    return dict(lines)


def _add_training(lines: Lines, seconds: Mapping[Any, float]) -> None:
    for group, amount in seconds.items():
        lines.setdefault(group, Figures()).add(Figures(training_seconds=amount))
