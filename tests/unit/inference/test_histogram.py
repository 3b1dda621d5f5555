"""Times in buckets, and percentiles read from them, against exact ones."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embassy.inference.histogram import BOUNDS, LONGEST_MS, OVERFLOW, bucket_of, cumulative, percentile

TIMES = st.lists(st.floats(min_value=0.001, max_value=LONGEST_MS), min_size=1, max_size=300)
FACTOR = 2**0.25


def counted(times: list[float]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for time in times:
        counts[bucket_of(time)] = counts.get(bucket_of(time), 0) + 1
    return counts


def exact(times: list[float], percent: float) -> float:
    """The nearest rank."""
    return sorted(times)[max(0, math.ceil(percent / 100 * len(times)) - 1)]


def test_bounds_reach_from_a_millisecond_to_twenty_minutes() -> None:
    assert BOUNDS[0] == 1
    assert BOUNDS[4] == pytest.approx(2)
    assert BOUNDS[-2] < LONGEST_MS <= BOUNDS[-1]


def test_a_bound_belongs_to_its_own_bucket() -> None:
    assert bucket_of(0.0) == bucket_of(1.0) == 0
    assert bucket_of(1.001) == 1
    assert bucket_of(BOUNDS[-1]) == OVERFLOW - 1
    assert bucket_of(BOUNDS[-1] * 2) == OVERFLOW


def test_no_times_have_no_percentile() -> None:
    assert percentile({}, 50) is None


def test_what_took_too_long_counts_as_the_last_bound() -> None:
    assert percentile({OVERFLOW: 3}, 99) == BOUNDS[-1]


def test_within_a_bucket_times_are_taken_to_be_spread_evenly() -> None:
    bucket = bucket_of(100)
    lower, upper = BOUNDS[bucket - 1], BOUNDS[bucket]
    assert percentile({bucket: 10}, 50) == pytest.approx((lower + upper) / 2)


@given(TIMES, st.sampled_from([1, 50, 90, 95, 99, 100]))
def test_a_percentile_is_in_the_bucket_of_the_exact_one(times: list[float], percent: float) -> None:
    found, wanted = percentile(counted(times), percent), exact(times, percent)
    assert found is not None
    bucket = bucket_of(wanted)
    assert (BOUNDS[bucket - 1] if bucket else 0.0) <= found <= BOUNDS[bucket] * (1 + 1e-9)
    if wanted > 1:
        assert 1 / FACTOR - 1e-9 <= found / wanted <= FACTOR + 1e-9


@given(TIMES)
def test_percentiles_grow(times: list[float]) -> None:
    found = [percentile(counted(times), percent) or 0.0 for percent in (1, 50, 90, 95, 99, 100)]
    assert found == sorted(found)


@given(TIMES)
def test_cumulative_counts_are_exact_at_each_bound(times: list[float]) -> None:
    for bound, count in cumulative(counted(times)):
        assert count == sum(time <= bound for time in times)
