"""The limits' algorithm: what it lets in, how long it makes wait, how several processes agree."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embassy.inference.limits.bucket import PERIOD_S, Bucket
from embassy.inference.limits.headers import duration, headers_of

limits = st.integers(1, 100_000)
pauses = st.lists(st.floats(0, 90), min_size=1, max_size=200)


def enter(bucket: Bucket, now: float) -> bool:
    """As the door does for a request."""
    if bucket.wait(now):
        return False
    bucket.put(now, 1)
    return True


@given(limit=st.integers(1, 60), gaps=pauses, start=st.floats(0, 1e9))
def test_never_more_than_a_burst_and_what_leaks_out(limit: int, gaps: list[float], start: float) -> None:
    bucket, now, entered = Bucket(limit), start, []
    for gap in gaps:
        now += gap
        if enter(bucket, now):
            entered.append(now)

    for first, since in enumerate(entered):
        for last in range(first, len(entered)):
            most = limit + (entered[last] - since) * limit / PERIOD_S
            assert last - first + 1 <= most + 1e-3


@given(limit=limits, used=st.integers(0, 200))
def test_a_full_burst_fits_at_once_and_not_one_more(limit: int, used: int) -> None:
    bucket = Bucket(min(limit, 200))

    assert all(enter(bucket, 100.0) for _ in range(bucket.per_minute))
    assert not enter(bucket, 100.0)
    assert bucket.remaining(100.0) == 0


@given(limit=limits, tokens=st.integers(0, 1_000_000), now=st.floats(0, 1e6))
def test_after_the_wait_one_more_fits_and_not_before(limit: int, tokens: int, now: float) -> None:
    bucket = Bucket(limit)
    bucket.put(now, tokens)

    wait = bucket.wait(now)

    assert bucket.wait(now + wait) == 0
    if wait > 1e-3:
        assert bucket.wait(now + wait - 1e-3) > 0


@given(limit=limits, tokens=st.integers(0, 1_000_000))
def test_what_remains_is_what_fits(limit: int, tokens: int) -> None:
    bucket = Bucket(limit)
    bucket.put(0.0, tokens)

    assert bucket.remaining(0.0) == max(0, limit - tokens)
    assert bucket.remaining(bucket.backlog(0.0)) == limit


def test_a_debt_has_to_leak_out() -> None:
    bucket = Bucket(600)
    bucket.put(0.0, 1_200)  # one long answer

    assert bucket.remaining(0.0) == 0
    assert bucket.wait(0.0) == pytest.approx(60.1)
    assert not bucket.wait(61.0)


@given(before=limits, after=limits, part=st.floats(0, 1))
def test_a_new_limit_keeps_the_part_that_is_used(before: int, after: int, part: float) -> None:
    bucket = Bucket(before)
    bucket.put(0.0, before * part)
    bucket.per_minute = after

    assert bucket.remaining(0.0) == pytest.approx(after * (1 - part), abs=1 + after * 1e-6)


class Shared:
    """What Redis does with the sum."""

    def __init__(self) -> None:
        self.empty_at = 0.0

    def add(self, now: float, seconds: float) -> float:
        self.empty_at = max(now, self.empty_at) + seconds
        return self.empty_at - now


def share(bucket: Bucket, shared: Shared, now: float) -> None:
    bucket.learn(now, shared.add(now, bucket.take_unshared(now)))


steps = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.floats(0, 30)), max_size=100)


@given(limit=st.integers(1, 60), steps=steps)
def test_processes_that_share_after_each_request_are_as_strict_as_one(
    limit: int, steps: list[tuple[int, int, float]]
) -> None:
    one, shared, now = Bucket(limit), Shared(), 0.0
    several = [Bucket(limit) for _ in range(3)]
    for which, count, gap in steps:
        now += gap
        for _ in range(count):
            share(several[which], shared, now)
            assert enter(several[which], now) == enter(one, now)
            share(several[which], shared, now)

    for bucket in several:
        share(bucket, shared, now)
        assert bucket.backlog(now) == pytest.approx(one.backlog(now), abs=1e-3)


@given(limit=st.integers(1, 60), steps=steps)
def test_nothing_is_forgotten_while_nobody_can_be_told(
    limit: int, steps: list[tuple[int, int, float]]
) -> None:
    bucket, alone, now = Bucket(limit), Bucket(limit), 0.0
    for _, count, gap in steps:
        now += gap
        for _ in range(count):
            assert enter(bucket, now) == enter(alone, now)
        bucket.give_back(bucket.take_unshared(now))

    assert bucket.backlog(now) == alone.backlog(now)
    assert bucket.take_unshared(now) == pytest.approx(alone.backlog(now), abs=1e-3)


def test_old_debts_are_not_told_again() -> None:
    bucket = Bucket(60)
    bucket.put(0.0, 60)

    assert bucket.take_unshared(45.0) == pytest.approx(15)
    assert bucket.take_unshared(45.0) == 0


def test_a_sum_that_lost_its_memory_makes_nobody_forget() -> None:
    bucket = Bucket(60)
    bucket.put(0.0, 60)
    bucket.take_unshared(0.0)

    bucket.learn(0.0, 0.0)

    assert bucket.remaining(0.0) == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.02, "20ms"),
        (1, "1s"),
        (1.5, "1.5s"),
        (59.9996, "1m0s"),
        (360, "6m0s"),
        (3630.25, "1h0m30.25s"),
    ],
)
def test_durations_are_written_as_openai_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.floats(0, 1e6))
def test_durations_can_be_read_again(seconds: float) -> None:
    text, read = duration(seconds), 0.0
    if text.endswith("ms"):
        read = float(text[:-2]) / 1000
    else:
        for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
            if unit in text:
                number, _, text = text.partition(unit)
                read += float(number) * size
    assert math.isclose(read, seconds, abs_tol=0.01)


def test_the_headers_have_openais_names() -> None:
    bucket = Bucket(60)
    bucket.put(0.0, 1)

    assert dict(headers_of(b"requests", bucket, 0.0)) == {
        b"x-ratelimit-limit-requests": b"60",
        b"x-ratelimit-remaining-requests": b"59",
        b"x-ratelimit-reset-requests": b"1s",
    }
