"""Any window, in zones whose clocks change in every way there is, against a slow reference."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embassy.deployments.schedule import History, Rules, WeeklyWindow, decide
from tests.unit.deployments.slow_schedule import DAY, MINUTE, SlowKeeper, SlowWindow, WallClock, utc

# A moment within a day of a change of the clocks, and what is odd about it.
CHANGES = [
    ("Europe/Berlin", "2026-03-29T01:00"),  # forward
    ("Europe/Berlin", "2026-10-25T01:00"),  # back
    ("America/New_York", "2026-03-08T07:00"),
    ("America/New_York", "2026-11-01T06:00"),
    ("America/Sao_Paulo", "2018-11-04T03:00"),  # at midnight: the day begins at 01:00
    ("America/Sao_Paulo", "2018-02-18T02:00"),  # at midnight: the day ends twice
    ("Australia/Lord_Howe", "2026-04-04T15:00"),  # by half an hour
    ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("Africa/Casablanca", "2026-02-15T02:00"),  # summer time the year round, but for Ramadan
    ("Africa/Casablanca", "2026-03-22T02:00"),
    ("Asia/Kolkata", "2026-03-29T01:00"),  # never, and half an hour beside the others
    ("Pacific/Apia", "2011-12-30T10:00"),  # Friday did not happen
    ("America/St_Johns", "2006-10-29T02:31"),  # back at one minute past midnight
    ("America/St_Johns", "2007-03-11T03:31"),
    ("Asia/Kathmandu", "1985-12-31T18:30"),  # a quarter of an hour, once
]
SPAN = timedelta(days=5)  # on either side of the change
MARGIN = timedelta(days=20)

walls = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 29, 30, 31, 45, 59]))
night = st.builds(time, st.integers(0, 4), st.sampled_from([0, 1, 15, 30, 31, 59]))
days = st.frozensets(st.integers(0, 6), min_size=1)


@dataclass(frozen=True)
class Case:
    """`windows` are all that touch the span, by the slow reference."""

    window: WeeklyWindow
    windows: list[tuple[datetime, datetime]]
    first: datetime
    last: datetime

    @property
    def minutes(self) -> list[datetime]:
        return [self.first + number * MINUTE for number in range(int((self.last - self.first) / MINUTE))]

    def is_open(self, now: datetime) -> bool:
        return any(opened <= now < closed for opened, closed in self.windows)


_clocks: dict[tuple[str, str], WallClock] = {}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone, text = draw(st.sampled_from(CHANGES))
    change = utc(text)
    clock = _clocks.get((zone, text)) or WallClock(zone, change - MARGIN, change + MARGIN)
    _clocks[zone, text] = clock
    # Times at night meet the change itself.
    start, end, weekdays = draw(walls | night), draw(walls | night), draw(days)
    slow = SlowWindow(clock, start, end, weekdays)
    first, last = (change - MARGIN + 3 * DAY).date(), (change + MARGIN - 3 * DAY).date()
    window = WeeklyWindow(start, end, ZoneInfo(zone), weekdays)
    return Case(window, list(slow.edges(first, last)), change - SPAN, change + SPAN)


@given(cases())
@settings(max_examples=40)
def test_it_is_open_in_the_very_minutes_of_the_reference(case: Case) -> None:
    near_edges = {edge + shift * MINUTE for pair in case.windows for edge in pair for shift in (-1, 0, 1)}
    looks = [now for now in case.minutes if now in near_edges or now.minute % 20 == 7]
    assert [now for now in looks if (case.window.current(now) is not None) != case.is_open(now)] == []


@given(cases())
@settings(max_examples=300)
def test_a_week_has_as_many_open_minutes_as_the_wall_clock_says(case: Case) -> None:
    opened = sum((overlap(pair, case.first, case.first + 7 * DAY) for pair in case.windows), timedelta())
    assert opened == open_time(case.window, case.first, case.first + 7 * DAY)


@given(cases())
@settings(max_examples=300)
def test_it_opens_once_for_each_of_its_dates_however_often_the_hour_comes(case: Case) -> None:
    starts, now = [], case.first
    while (start := case.window.next_start(now)) is not None and start < case.last:
        starts.append(start)
        now = start
    assert starts == [opened for opened, _ in case.windows if case.first < opened < case.last]
    shown = [start.astimezone(case.window.zone) for start in starts]
    dates = [start.date() for start in shown if start.time() == case.window.start]  # else it is at a jump
    assert len(dates) == len(set(dates))


@given(cases(), st.floats(0, 1))
@settings(max_examples=300)
def test_the_neighbours_of_a_moment_are_those_of_the_reference(case: Case, share: float) -> None:
    now = case.first + share * (case.last - case.first)
    assert case.window.next_start(now) == min(opened for opened, _ in case.windows if opened > now)
    assert case.window.previous_end(now) == max(closed for _, closed in case.windows if closed <= now)


@given(cases())
@settings(max_examples=300)
def test_edges_show_their_times_on_the_wall_unless_the_clocks_jump_over_them(case: Case) -> None:
    zone = case.window.zone
    for opened, _ in case.windows:
        current = case.window.current(opened)
        assert current is not None
        assert current[0] == opened
        shown = opened.astimezone(zone)
        if shown.time() != case.window.start:
            before = (opened - MINUTE).astimezone(zone)
            assert before.replace(tzinfo=None) < datetime.combine(shown, case.window.start)
            assert before.utcoffset() != shown.utcoffset()


# --- Decisions ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Act:
    """So many minutes after the span begins, and half of one: never at an edge."""

    minute: int
    is_request: bool


@st.composite
def cases_with_acts(draw: st.DrawFn) -> tuple[Case, list[Act]]:
    """Half of the acts not long before or after an edge."""
    case = draw(cases())
    last = int((case.last - case.first) / MINUTE) - 1
    edges = [int((edge - case.first) / MINUTE) for pair in case.windows for edge in pair]
    near = st.builds(lambda edge, shift: min(max(edge + shift, 0), last), st.sampled_from(edges), shifts)
    acts = st.builds(Act, near | st.integers(0, last), st.sampled_from([True, True, True, False]))
    return case, draw(st.lists(acts, max_size=40))


shifts = st.integers(-90, 60)


@given(cases_with_acts(), st.integers(1, 600), st.booleans())
@settings(max_examples=50)
def test_decisions_are_those_of_somebody_who_watches_the_clock(
    drawn: tuple[Case, list[Act]], timeout: int, has_window: bool
) -> None:
    case, acts = drawn
    keeper = SlowKeeper(
        case.windows if has_window else [], timedelta(minutes=timeout), woken=case.first - MINUTE
    )
    rules = Rules(timeout * 60, case.window if has_window else None)
    due = {act.minute: act for act in acts}
    if not any(opened <= case.first - MINUTE < case.first <= closed for opened, closed in keeper.windows):
        assert keeper.minute(case.first) == decide(rules, History(keeper.woken), case.first).on
    for number, now in enumerate(case.minutes):
        expected = keeper.minute(now)
        if number % 11 == 0 or number in due or number - 1 in due or is_edge(keeper, now, rules):
            decision = decide(rules, History(keeper.woken, keeper.used, keeper.slept), now)
            assert (now, decision.on) == (now, expected), decision.reason
            assert decision.reason
        if act := due.get(number):
            (keeper.request if act.is_request else keeper.sleep)(now + MINUTE / 2)


@given(cases(), st.integers(60, 30 * 24 * 3600), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=300)
def test_what_was_used_is_not_taken_away_before_its_time(
    case: Case, timeout: int, share: float, later: float
) -> None:
    used = case.first + share * (case.last - case.first)
    history = History(woken_at=case.first, last_used_at=used)
    now = used + later * timedelta(seconds=timeout)
    idle = decide(Rules(timeout), history, now)
    assert idle.on == (now - used < timedelta(seconds=timeout))
    # With a window it is only the window's end that comes first.
    scheduled = decide(Rules(timeout, case.window), history, now)
    closed = case.window.previous_end(now)
    if idle.on and (closed is None or closed < case.first):
        assert scheduled.on


@given(cases(), st.integers(60, 7 * 24 * 3600))
@settings(max_examples=15)
def test_with_nothing_happening_it_changes_at_edges_and_goes_off_once_between_them(
    case: Case, timeout: int
) -> None:
    rules, history = Rules(timeout, case.window), History(woken_at=case.first)
    changes, was_on = [], True
    for now in case.minutes[::5]:
        is_on = decide(rules, history, now).on
        if is_on != was_on:
            changes.append((now, is_on))
        was_on = is_on
    opened = {rounded_up(edge, case.first) for edge, _ in case.windows}
    assert [now for now, is_on in changes if is_on and now not in opened] == []
    closed = {rounded_up(edge, case.first) for _, edge in case.windows}
    slack = [now for now, is_on in changes if not is_on and now not in closed]
    assert len(slack) <= 1  # by the idle timeout, from the one act there was


@pytest.mark.parametrize("zone", sorted({zone for zone, _ in CHANGES}))
def test_a_year_of_whole_days_is_a_year(zone: str) -> None:
    window = WeeklyWindow(time(0), time(0), ZoneInfo(zone), frozenset(range(7)))
    first = utc("2026-01-10T12:34")
    assert open_time(window, first, first + 365 * DAY) == 365 * DAY


def open_time(window: WeeklyWindow, first: datetime, last: datetime) -> timedelta:
    """Found the way the product goes: from window to window."""
    total, now = timedelta(), first
    while now < last:
        if (current := window.current(now)) is not None:
            total += min(current[1], last) - now
            now = current[1]
        else:
            now = window.next_start(now) or last
    return total


def overlap(window: tuple[datetime, datetime], first: datetime, last: datetime) -> timedelta:
    return max(timedelta(), min(window[1], last) - max(window[0], first))


def is_edge(keeper: SlowKeeper, now: datetime, rules: Rules) -> bool:
    idle = max(keeper.woken, keeper.used or keeper.woken) + timedelta(seconds=rules.inactive_timeout)
    return any(now in pair for pair in keeper.windows) or abs(now - idle) <= MINUTE


def rounded_up(moment: datetime, first: datetime) -> datetime:
    """The first look at or after this, if one looks every five minutes from `first`."""
    step = 5 * MINUTE
    return first + -(-(moment - first) // step) * step
