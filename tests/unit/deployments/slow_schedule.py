"""What schedule.py decides, worked out again minute by minute, by somebody who looks at a clock on the wall.

Shares nothing with it but the input. An edge is when the clock first shows that time of that date, or a
later one: so an hour that happens twice is met once, and one that the clocks jump over is met at the jump.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


class WallClock:
    """The clock of a zone, read once a minute from `first` to `last`, both UTC."""

    def __init__(self, zone: str, first: datetime, last: datetime) -> None:
        count = int((last - first) / MINUTE)
        self.minutes = [first + number * MINUTE for number in range(count)]
        shown = [minute.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for minute in self.minutes]
        self._highest = list(accumulate(shown, max))

    def first_at(self, wall: datetime) -> datetime:
        """The first minute at which it shows this or later."""
        return self.minutes[bisect_left(self._highest, wall)]


@dataclass(frozen=True)
class SlowWindow:
    """The same as schedule.WeeklyWindow, on this clock."""

    clock: WallClock
    start: time
    end: time
    days: frozenset[int]

    def edges(self, first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
        """Of the windows that begin on these dates."""
        for number in range((last - first).days + 1):
            day = first + number * DAY
            if day.weekday() not in self.days:
                continue
            closes = day if self.end > self.start else day + DAY
            opened = self.clock.first_at(datetime.combine(day, self.start))
            closed = self.clock.first_at(datetime.combine(closes, self.end))
            if opened < closed:
                yield opened, closed


@dataclass
class SlowKeeper:
    """Somebody who switches it on and off by the rules, and remembers nothing but what happened last.

    Call `minute` for each minute in turn; between them `request` and `sleep`.
    """

    windows: list[tuple[datetime, datetime]]
    timeout: timedelta
    woken: datetime
    is_on: bool = True
    used: datetime | None = None
    slept: datetime | None = None
    _opened: set[datetime] = field(init=False)
    _closed: set[datetime] = field(init=False)

    def __post_init__(self) -> None:
        self._opened = {opened for opened, _ in self.windows}
        self._closed = {closed for _, closed in self.windows}

    def minute(self, now: datetime) -> bool:
        """Whether it is on from now on."""
        if now in self._closed:
            self.is_on = False
        if now in self._opened:
            self.is_on = True
        if (
            self.is_on
            and not self._is_inside(now)
            and now - max(self.woken, self.used or self.woken) >= self.timeout
        ):
            self.is_on = False
        return self.is_on

    def request(self, now: datetime) -> None:
        """Wakes it if it sleeps."""
        if not self.is_on:
            self.woken = now
        self.used = now
        self.is_on = True

    def sleep(self, now: datetime) -> None:
        """By hand."""
        if self.is_on:
            self.slept = now
        self.is_on = False

    def _is_inside(self, now: datetime) -> bool:
        return any(opened <= now < closed for opened, closed in self.windows)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
