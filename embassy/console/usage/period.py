"""The time that a page of usage is about. Days begin at midnight UTC, as those of the sums do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.http import QueryDict
from django.utils.dateparse import parse_date

from embassy.platform.errors import InvalidInput

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RANGES = {
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "month": "This month",
    "custom": "Other days",
}
USUAL = "30d"
FINE = timedelta(days=7)  # up to so long, hours are shown
MOST_DAYS = 1100


@dataclass(frozen=True)
class Period:
    """From `since` to before `until`, in steps of an hour or a day."""

    name: str
    since: datetime
    until: datetime

    @property
    def step(self) -> timedelta:
        return HOUR if self.until - self.since <= FINE else DAY

    @property
    def unit(self) -> str:
        return "hour" if self.step == HOUR else "day"

    @property
    def last(self) -> datetime:
        """The last day that is in it."""
        return self.until - timedelta(microseconds=1)

    def steps(self) -> Iterator[datetime]:
        """The beginning of each step."""
        begin = self.since
        while begin < self.until:
            yield begin
            begin += self.step


def read_period(query: QueryDict, now: datetime) -> Period:
    """As `range`, `from` and `to` say; both of these days are in it. Raises InvalidInput."""
    name = query.get("range", USUAL)
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = midnight + DAY
    match name:
        case "24h":
            hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            return Period(name, hour - 23 * HOUR, hour + HOUR)
        case "7d":
            return Period(name, tomorrow - 7 * DAY, tomorrow)
        case "month":
            return Period(name, midnight.replace(day=1), tomorrow)
        case "custom":
            return _custom(query)
        case _:
            return Period(USUAL, tomorrow - 30 * DAY, tomorrow)


def _custom(query: QueryDict) -> Period:
    first, last = _day(query.get("from", "")), _day(query.get("to", ""))
    if last < first:
        raise InvalidInput("The last day is before the first one.")
    if (last - first).days >= MOST_DAYS:
        raise InvalidInput(f"Choose up to {MOST_DAYS} days.")
    return Period("custom", first, last + DAY)


def _day(text: str) -> datetime:
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year < 2100:
        raise InvalidInput("Choose the first and the last day.")
    return datetime.combine(day, time(), UTC)
