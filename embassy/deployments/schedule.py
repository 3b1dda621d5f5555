"""When a deployment or an engine is to be up: idle timeouts and weekly windows. Pure.

A window's edges are wall-clock times of its zone. Each is turned into an instant for its own date, and all
that follows is arithmetic on instants, so a night may have 7, 8 or 9 hours. An edge that the clocks jump
over is at the jump; an edge that happens twice is at its first time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from embassy.platform.errors import InvalidInput

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HHMM = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")

LONGEST_TIMEOUT = 30 * 24 * 3600  # seconds
SHORTEST_TIMEOUT = 60

SEEN_DAYS = 16  # two weeks hold a window of each day, even if the zone skips one

Window = tuple[datetime, datetime]  # from (inclusive) until (exclusive), both UTC


@dataclass(frozen=True)
class WeeklyWindow:
    """Open from `start` to `end` on `days` (0 is Monday) of `zone`.

    An `end` that is not later than `start` lies on the next day; equal ones make a whole day.
    """

    start: time
    end: time
    zone: ZoneInfo
    days: frozenset[int]

    def current(self, now: datetime) -> Window | None:
        """The window that is open at `now`."""
        for window in self._around(now, range(-2, 3)):
            if window[0] <= now < window[1]:
                return window
        return None

    def previous_end(self, now: datetime) -> datetime | None:
        """The latest end at or before `now`."""
        return next((end for _, end in self._around(now, range(1, -SEEN_DAYS, -1)) if end <= now), None)

    def next_start(self, now: datetime) -> datetime | None:
        """The earliest start after `now`."""
        return next((start for start, _ in self._around(now, range(-1, SEEN_DAYS)) if start > now), None)

    def _around(self, now: datetime, offsets: Iterable[int]) -> Iterator[Window]:
        """The windows that start on local dates so many days from today's, in that order."""
        today = now.astimezone(self.zone).date()
        for offset in offsets:
            day = today + timedelta(days=offset)
            if day.weekday() in self.days:
                window = self._on(day)
                if window[0] < window[1]:  # a date that the zone skipped has no hours
                    yield window

    def _on(self, day: date) -> Window:
        end_day = day if self.end > self.start else day + timedelta(days=1)
        return instant(day, self.start, self.zone), instant(end_day, self.end, self.zone)


@dataclass(frozen=True)
class Rules:
    """What decides whether something is to be up: seconds without use, and a window if it has one."""

    inactive_timeout: int
    window: WeeklyWindow | None = None


@dataclass(frozen=True)
class History:
    """What happened to it so far, all UTC. `woken_at` is the last act that asked for it."""

    woken_at: datetime
    last_used_at: datetime | None = None
    slept_at: datetime | None = None


@dataclass(frozen=True)
class Decision:
    """`reason` is a sentence for the person who wonders; `since` is when the window opened that is open."""

    on: bool
    reason: str
    since: datetime | None = None


def decide(rules: Rules, history: History, now: datetime) -> Decision:
    """Whether it is to be up at `now`.

    Inside its window it is up, used or not. Outside, and without a window, an act that asks for it brings it
    up until it has not been used for `inactive_timeout` seconds. A window that closes ends earlier use;
    sleep by hand holds until the next act or the next window.
    """
    window = rules.window.current(now) if rules.window else None
    edge = _last_edge(rules, window, now)
    if _asleep_by_hand(history, edge):
        return Decision(False, "Deactivated by hand. Reactivate it, or send a request, to wake it.")
    if window is not None:
        return Decision(True, f"Inside its schedule, until {_clock(window[1], rules)}.", since=window[0])
    if edge is not None and history.woken_at <= edge:
        return Decision(False, _outside(rules, now))
    return _by_use(rules, history, now)


def instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The UTC instant at which clocks of `zone` first show this; the jump, if they jump over it."""
    naive = datetime.combine(day, wall)
    early, late = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early.astimezone(zone).replace(tzinfo=None) == naive:
        return early
    # In a gap the two readings lie on either side of the jump, the wrong way round.
    return _jump(late, early, zone)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant of the change of offset that lies in (before, after], to the second."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def parse_window(schedule: Mapping[str, Any]) -> WeeklyWindow:
    """The API's `{timezone, start_time, end_time, days}`; without days, every day. Raises InvalidInput."""
    unknown = sorted(set(schedule) - {"timezone", "start_time", "end_time", "days"})
    if unknown:
        raise InvalidInput(
            f"schedule: unknown field {unknown[0]}. Known: timezone, start_time, end_time, days."
        )
    return WeeklyWindow(
        start=_time(schedule, "start_time"),
        end=_time(schedule, "end_time"),
        zone=_zone(schedule.get("timezone", "UTC")),
        days=_days(schedule.get("days", list(WEEKDAYS))),
    )


def check_timeout(seconds: int) -> int:
    """The same number; raises InvalidInput if it is no sensible idle timeout."""
    if not SHORTEST_TIMEOUT <= seconds <= LONGEST_TIMEOUT:
        raise InvalidInput(
            f"The inactive timeout must lie between {SHORTEST_TIMEOUT} and {LONGEST_TIMEOUT} seconds."
        )
    return seconds


def _last_edge(rules: Rules, window: Window | None, now: datetime) -> datetime | None:
    if window is not None:
        return window[0]
    return rules.window.previous_end(now) if rules.window else None


def _asleep_by_hand(history: History, edge: datetime | None) -> bool:
    if history.slept_at is None:
        return False
    return history.slept_at > max(history.woken_at, edge or history.woken_at)


def _by_use(rules: Rules, history: History, now: datetime) -> Decision:
    used = max(history.woken_at, history.last_used_at or history.woken_at)
    if now - used < timedelta(seconds=rules.inactive_timeout):
        return Decision(True, "In use.")
    return Decision(False, f"Not used for {rules.inactive_timeout} seconds. The next request wakes it.")


def _outside(rules: Rules, now: datetime) -> str:
    start = rules.window.next_start(now) if rules.window else None
    until = f" The next window opens at {_clock(start, rules)}." if start else ""
    return f"Outside its schedule. A request wakes it.{until}"


def _clock(moment: datetime, rules: Rules) -> str:
    zone = rules.window.zone if rules.window else ZoneInfo("UTC")
    return moment.astimezone(zone).strftime("%A %H:%M ") + zone.key


def _time(schedule: Mapping[str, Any], field: str) -> time:
    text = schedule.get(field)
    match = HHMM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidInput(f"schedule.{field}: give a time as HH:MM, for example 09:30.")
    return time(int(match[1]), int(match[2]))


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise InvalidInput(
            f"schedule.timezone: {name!r} is no IANA time zone. Example: America/Los_Angeles."
        ) from None


def _days(names: Any) -> frozenset[int]:
    known = isinstance(names, list) and bool(names) and all(name in WEEKDAYS for name in names)
    if not known:
        raise InvalidInput(f"schedule.days: give at least one of {', '.join(WEEKDAYS)}.")
    return frozenset(WEEKDAYS.index(name) for name in names)
