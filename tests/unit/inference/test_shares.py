"""Engine time divided among those who were deployed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embassy.inference.shares import HOUR, Interval, hours, intervals, shares

EDGES = st.lists(st.integers(0, 1000), min_size=2, max_size=6, unique=True).map(sorted)


def pairs(edges: list[int]) -> list[Interval]:
    return [(float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=False)]


PRESENT = st.dictionaries(st.integers(1, 5), EDGES.map(pairs), max_size=5)


def test_one_alone_pays_for_all() -> None:
    assert shares(0, 60, {1: [(0, 60)]}) == {1: 60}


def test_those_together_pay_equal_parts() -> None:
    assert shares(0, 60, {1: [(0, 60)], 2: [(30, 90)], 3: []}) == {1: 45, 2: 15, 3: 0}


def test_time_with_nobody_there_is_nobodys() -> None:
    assert shares(0, 60, {1: [(50, 70)]}) == {1: 10}
    assert shares(0, 60, {}) == {}


@given(PRESENT)
def test_all_pay_exactly_for_the_time_that_somebody_was_there(present: dict[int, list[Interval]]) -> None:
    covered = sum(
        any(begin <= second < end for found in present.values() for begin, end in found)
        for second in range(100, 900)
    )
    assert sum(shares(100, 900, present).values()) == pytest.approx(covered)


@given(PRESENT, st.integers(101, 899))
def test_it_does_not_matter_where_the_time_is_cut(present: dict[int, list[Interval]], cut: int) -> None:
    whole, first, second = shares(100, 900, present), shares(100, cut, present), shares(cut, 900, present)
    for who, seconds in whole.items():
        assert first[who] + second[who] == pytest.approx(seconds)


def test_intervals_from_coming_and_going() -> None:
    assert intervals(0, 10, True, [(4, False), (6, True)]) == [(0, 4), (6, 10)]
    assert intervals(0, 10, False, [(4, True), (5, True), (6, False)]) == [(4, 5), (5, 6)]
    assert intervals(0, 10, False, []) == []
    assert intervals(0, 10, True, []) == [(0, 10)]


def test_pieces_lie_within_hours() -> None:
    assert list(hours(3590.0, 7300.0)) == [(3590.0, HOUR), (HOUR, 2 * HOUR), (2 * HOUR, 7300.0)]
    assert list(hours(5.0, 5.0)) == []
