"""Usage by whatever it is asked by: two queries, however many rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet, Sum, Value
from django.db.models.functions import TruncDay
from django.utils import timezone

from embassy.inference.models import Latency, LatencyKind, Usage, UsageDay
from embassy.inference.models.usage import day_of, hour_of
from embassy.inference.selectors import rows_visible_to
from embassy.inference.services import USAGE_SUMS
from embassy.inference.spending import Total
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput

COLUMNS = {
    "project": "project_pk",
    "deployment": "deployment_pk",
    "key": "key_pk",
    "model": "model",
    "hour": "hour",
    "day": "day",
}
MOST_GROUPS = 5_000

Group = tuple[Any, ...]  # values in the order of `group_by`


@dataclass(frozen=True)
class Question:
    """`since` counts from the beginning of its hour. Primary keys; None asks for all."""

    since: datetime
    until: datetime
    group_by: Sequence[str] = ()
    project_pk: int | None = None
    deployment_pk: int | None = None
    key_pk: int | None = None
    model: str | None = None

    def narrowed(self) -> dict[str, Any]:
        given = {
            "project_pk": self.project_pk,
            "deployment_pk": self.deployment_pk,
            "key_pk": self.key_pk,
            "model": self.model,
        }
        return {column: value for column, value in given.items() if value is not None}


@dataclass
class Report:
    total: Total = field(default_factory=Total)
    groups: dict[Group, Total] = field(default_factory=dict)


def sums(actor: Actor, question: Question) -> dict[Group, Total]:
    """Without times of answers, and in no order. Raises InvalidInput if there are too many groups."""
    since = hour_of(question.since)
    rows: type[Usage | UsageDay] = UsageDay if _is_of_days(question) else Usage
    time = "day" if rows is UsageDay else "hour"
    visible = rows_visible_to(actor, since=since, until=question.until, time=time)
    columns = [COLUMNS[name] for name in question.group_by]
    return _sums(rows.objects.filter(visible & Q(**question.narrowed())), columns)


def report(actor: Actor, question: Question) -> Report:
    """Groups by time first, then by requests. Raises InvalidInput if there are too many."""
    hour = hour_of(question.since)
    visible = rows_visible_to(actor, since=hour, until=question.until) & Q(**question.narrowed())
    columns = [COLUMNS[name] for name in question.group_by]
    groups = sums(actor, question)
    _add_latencies(groups, visible, columns)
    found = Report(groups=dict(sorted(groups.items(), key=lambda item: _order(question, item))))
    for total in found.groups.values():
        found.total.add(total)
    return found


def _is_of_days(question: Question) -> bool:
    """Whether the rows of days tell it as well: whole days, or days up to now."""
    whole = question.until == day_of(question.until) or question.until > hour_of(timezone.now())
    return whole and question.since == day_of(question.since) and "hour" not in question.group_by


def _sums(rows: "QuerySet[Any, Any]", columns: Sequence[str]) -> dict[Group, Total]:
    added = {f"sum_{name}": Sum(name) for name in USAGE_SUMS}
    rows = _grouped(rows, columns).annotate(**added)[: MOST_GROUPS + 1]
    groups: dict[Group, Total] = {}
    for row in rows:
        total = groups[tuple(row[column] for column in columns)] = Total()
        for name in USAGE_SUMS:
            setattr(total, name, row[f"sum_{name}"] or 0)
    if len(groups) > MOST_GROUPS:
        raise InvalidInput(
            f"That is more than {MOST_GROUPS:,} groups. Ask for a shorter time, or group by less.",
            code="too_many_groups",
        )
    return groups


def _add_latencies(groups: dict[Group, Total], visible: Q, columns: Sequence[str]) -> None:
    rows = _grouped(Latency.objects.filter(visible), [*columns, "kind", "bucket"]).annotate(n=Sum("count"))
    for row in rows.iterator():
        # A group of which the usage was read a moment too early is told the next time.
        total = groups.get(tuple(row[column] for column in columns))
        if total is not None:
            buckets = total.whole if row["kind"] == LatencyKind.WHOLE else total.first_token
            buckets[row["bucket"]] = row["n"]


def _grouped(rows: "QuerySet[Any, Any]", columns: Sequence[str]) -> "QuerySet[Any, dict[str, Any]]":
    if "day" in columns and rows.model is not UsageDay:
        rows = rows.annotate(day=TruncDay("hour", tzinfo=UTC))
    # By no column at all there is still one group: everything.
    grouped: QuerySet[Any, dict[str, Any]] = rows.order_by().annotate(everything=Value(1))
    return grouped.values("everything", *columns)


def _order(question: Question, item: tuple[Group, Total]) -> tuple[Any, ...]:
    group, total = item
    times = [value for name, value in zip(question.group_by, group, strict=True) if name in ("hour", "day")]
    return (*times, -total.requests, str(group))
