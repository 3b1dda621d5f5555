"""How a deployment did over a time, in equal steps: one query, however many requests."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, F, Func, Sum, Value

from embassy.inference.models.tally import HOUR, MINUTE, Tally, TallyKind

ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Period:
    """`each` is how long one point of a chart lasts; `step` of which rows it is made."""

    length: timedelta
    each: timedelta
    step: int


PERIODS = {
    "1h": Period(timedelta(hours=1), timedelta(minutes=1), MINUTE),
    "24h": Period(timedelta(hours=24), timedelta(minutes=10), MINUTE),
    "7d": Period(timedelta(days=7), timedelta(hours=1), HOUR),
    "30d": Period(timedelta(days=30), timedelta(hours=6), HOUR),
}


@dataclass
class Moment:
    """One point. Outcomes by name, times by bucket."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    whole: Counter[int] = field(default_factory=Counter)
    first_token: Counter[int] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return self.outcomes.total()

    def take(self, kind: str, name: str, count: int) -> None:
        match kind:
            case TallyKind.PROMPT_TOKENS:
                self.prompt_tokens += count
            case TallyKind.COMPLETION_TOKENS:
                self.completion_tokens += count
            case TallyKind.OUTCOME:
                self.outcomes[name] += count
            case TallyKind.WHOLE:
                self.whole[int(name)] += count
            case TallyKind.FIRST_TOKEN:
                self.first_token[int(name)] += count


def course(*, deployment_pk: int, period: Period, now: datetime) -> dict[datetime, Moment]:
    """Every point of the period in order, those without requests too; the last one holds `now`."""
    moments = {time: Moment() for time in times(period, now)}
    first = next(iter(moments))
    rows = Tally.objects.filter(deployment_pk=deployment_pk, step=period.step, time__gte=first)
    binned: Any = Func(
        Value(period.each), F("time"), Value(ORIGIN), function="date_bin", output_field=DateTimeField()
    )
    for row in rows.order_by().values("kind", "name", bin=binned).annotate(n=Sum("count")):
        if (moment := moments.get(row["bin"])) is not None:
            moment.take(row["kind"], row["name"], row["n"])
    return moments


def times(period: Period, now: datetime) -> Iterator[datetime]:
    last = ORIGIN + (now - ORIGIN) // period.each * period.each
    count = period.length // period.each
    for back in range(count - 1, -1, -1):
        yield last - back * period.each
