"""Windows are told in wall-clock time and happen in real time; the clocks change in between."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from embassy.deployments.schedule import (
    History,
    Rules,
    WeeklyWindow,
    check_timeout,
    decide,
    instant,
    parse_window,
)
from embassy.platform.errors import InvalidInput

BERLIN = ZoneInfo("Europe/Berlin")
EVERY_DAY = frozenset(range(7))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(
    start: str, end: str, zone: str = "Europe/Berlin", days: frozenset[int] = EVERY_DAY
) -> WeeklyWindow:
    return WeeklyWindow(time.fromisoformat(start), time.fromisoformat(end), ZoneInfo(zone), days)


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        ("2026-03-28T23:00", 7),  # clocks go forward in this night
        ("2026-06-10T22:00", 8),
        ("2026-10-24T22:00", 9),  # and back in this one
    ],
)
def test_a_night_has_as_many_hours_as_it_has(now: str, hours: int) -> None:
    current = window("22:00", "06:00").current(utc(now))
    assert current is not None
    assert current[1] - current[0] == timedelta(hours=hours)


def test_an_edge_in_the_gap_is_at_the_jump() -> None:
    assert instant(date(2026, 3, 29), time(2, 30), BERLIN) == utc("2026-03-29T01:00")


def test_an_edge_that_happens_twice_is_at_its_first_time() -> None:
    assert instant(date(2026, 10, 25), time(2, 30), BERLIN) == utc("2026-10-25T00:30")


def test_a_zone_that_shifts_by_half_an_hour() -> None:
    lord_howe = ZoneInfo("Australia/Lord_Howe")
    jump = instant(date(2026, 10, 4), time(2, 15), lord_howe)
    assert jump == utc("2026-10-03T15:30")
    assert instant(date(2026, 4, 5), time(1, 45), lord_howe) == utc("2026-04-04T14:45")


def test_a_date_that_the_zone_skipped_has_no_window() -> None:
    apia = window("09:00", "17:00", "Pacific/Apia", frozenset({4}))  # Friday 2011-12-30 did not happen
    assert apia.current(utc("2011-12-30T12:00")) is None
    assert apia.next_start(utc("2011-12-29T00:00")) == instant(date(2012, 1, 6), time(9), apia.zone)
    assert apia.next_start(utc("2011-12-24T04:00")) == instant(date(2012, 1, 6), time(9), apia.zone)
    assert apia.previous_end(utc("2012-01-05T00:00")) == instant(date(2011, 12, 23), time(17), apia.zone)


@pytest.mark.parametrize(
    "zone",
    ["Europe/Berlin", "America/Los_Angeles", "Africa/Casablanca", "America/Havana", "Asia/Kolkata"],
)
def test_day_and_night_windows_leave_no_gap_and_never_overlap(zone: str) -> None:
    day, night = window("08:00", "20:00", zone), window("20:00", "08:00", zone)
    now = utc("2026-01-01T00:07")
    while now < utc("2027-02-05T00:00"):
        assert (day.current(now) is None) != (night.current(now) is None), now
        now += timedelta(minutes=173)


def test_days_are_those_on_which_the_window_starts() -> None:
    friday_night = window("22:00", "04:00", "UTC", frozenset({4}))
    assert friday_night.current(utc("2026-11-21T03:59")) is not None  # Saturday morning
    assert friday_night.current(utc("2026-11-21T04:00")) is None
    assert friday_night.current(utc("2026-11-20T03:00")) is None  # Friday morning belongs to Thursday
    assert friday_night.current(utc("2026-11-20T22:00")) is not None


def test_equal_edges_make_a_whole_day() -> None:
    sunday = window("00:00", "00:00", "Europe/Berlin", frozenset({6}))
    current = sunday.current(utc("2026-10-25T12:00"))
    assert current is not None
    assert current[1] - current[0] == timedelta(hours=25)


def test_next_start_looks_over_the_weekend() -> None:
    office = window("10:00", "18:00", "America/Los_Angeles", frozenset({0}))
    assert office.next_start(utc("2026-11-17T12:00")) == utc("2026-11-23T18:00")
    assert office.previous_end(utc("2026-11-23T12:00")) == utc("2026-11-17T02:00")


# --- Decisions ------------------------------------------------------------------------------------

NOW = utc("2026-11-20T12:00")
HOUR = timedelta(hours=1)


def test_without_a_window_use_decides() -> None:
    rules = Rules(inactive_timeout=3600)
    assert decide(rules, History(woken_at=NOW - HOUR / 2), NOW).on
    assert not decide(rules, History(woken_at=NOW - HOUR), NOW).on
    used = History(woken_at=NOW - 5 * HOUR, last_used_at=NOW - HOUR / 2)
    assert decide(rules, used, NOW).on
    assert "3600 seconds" in decide(rules, History(woken_at=NOW - 2 * HOUR), NOW).reason


def test_inside_its_window_it_is_up_though_nobody_uses_it() -> None:
    rules = Rules(60, window("10:00", "18:00", "UTC"))
    decision = decide(rules, History(woken_at=NOW - 90 * HOUR), NOW)
    assert decision.on
    assert "Friday 18:00 UTC" in decision.reason


def test_a_window_that_closes_ends_earlier_use() -> None:
    rules = Rules(3600, window("10:00", "18:00", "UTC"))
    history = History(woken_at=utc("2026-11-20T09:00"), last_used_at=utc("2026-11-20T17:59"))
    decision = decide(rules, history, utc("2026-11-20T18:00"))
    assert not decision.on
    assert "opens at Saturday 10:00 UTC" in decision.reason


def test_a_window_that_closes_ends_what_was_woken_in_its_last_minute() -> None:
    rules = Rules(3600, window("10:00", "18:00", "UTC"))
    history = History(woken_at=utc("2026-11-20T17:59"), slept_at=utc("2026-11-20T17:00"))
    assert decide(rules, history, utc("2026-11-20T17:59")).on
    assert not decide(rules, history, utc("2026-11-20T18:00")).on


def test_a_request_outside_the_window_wakes_it_until_it_is_idle() -> None:
    rules = Rules(3600, window("10:00", "18:00", "UTC"))
    woken = utc("2026-11-20T20:00")
    assert decide(rules, History(woken_at=woken), woken + HOUR / 2).on
    assert not decide(rules, History(woken_at=woken), woken + HOUR).on


def test_sleep_by_hand_holds_until_the_next_window_or_act() -> None:
    rules = Rules(3600, window("10:00", "18:00", "UTC"))
    slept = History(woken_at=utc("2026-11-20T10:30"), slept_at=utc("2026-11-20T11:00"))
    assert not decide(rules, slept, NOW).on
    assert decide(rules, slept, NOW + 24 * HOUR).on
    assert decide(rules, History(woken_at=utc("2026-11-20T11:30"), slept_at=slept.slept_at), NOW).on


# --- Input ----------------------------------------------------------------------------------------


def test_parse_window_reads_the_contracts_example() -> None:
    parsed = parse_window(
        {
            "timezone": "America/Los_Angeles",
            "start_time": "10:00",
            "end_time": "18:00",
            "days": ["monday", "sunday"],
        }
    )
    assert parsed == window("10:00", "18:00", "America/Los_Angeles", frozenset({0, 6}))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"timezone": 5}, "timezone"),
        ({"start_time": "25:00"}, "start_time"),
        ({"start_time": "9:30"}, "start_time"),
        ({"end_time": None}, "end_time"),
        ({"days": []}, "days"),
        ({"days": ["Funday"]}, "days"),
        ({"days": "monday"}, "days"),
        ({"until": "x"}, "until"),
    ],
)
def test_parse_window_names_the_field_that_is_wrong(change: dict[str, object], field: str) -> None:
    good = {"timezone": "UTC", "start_time": "10:00", "end_time": "18:00", "days": ["monday"]}
    with pytest.raises(InvalidInput, match=field):
        parse_window(good | change)


@pytest.mark.parametrize("seconds", [0, 59, 30 * 24 * 3600 + 1])
def test_a_timeout_must_make_sense(seconds: int) -> None:
    with pytest.raises(InvalidInput):
        check_timeout(seconds)
