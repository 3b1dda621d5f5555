"""Who pays for the time that an engine was up: those that were deployed on it, in equal parts. Pure.

Times are UNIX seconds; an interval is from its first to before its second.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

HOUR = 3600.0

Interval = tuple[float, float]


def shares(since: float, until: float, present: Mapping[int, Sequence[Interval]]) -> dict[int, float]:
    """Seconds for each of `present`, who were there in these intervals. Time with nobody is nobody's."""
    edges = {since, until}
    for intervals in present.values():
        edges.update(edge for interval in intervals for edge in interval if since < edge < until)
    paid = dict.fromkeys(present, 0.0)
    for begin, end in pairwise(sorted(edges)):
        there = [who for who, intervals in present.items() if _covers(intervals, begin)]
        for who in there:
            paid[who] += (end - begin) / len(there)
    return paid


def intervals(
    since: float, until: float, at_first: bool, moves: Iterable[tuple[float, bool]]
) -> list[Interval]:
    """When somebody was there who was or was not `at_first`, and then came (True) or went at these times."""
    found, came = [], since if at_first else None
    for at, is_there in moves:
        if came is not None:
            found.append((came, min(at, until)))
        came = at if is_there else None
    if came is not None:
        found.append((came, until))
    return [(begin, end) for begin, end in found if begin < end]


def hours(since: float, until: float) -> Iterator[Interval]:
    """The time in pieces that each lie within one hour."""
    while since < until:
        end = min(until, (since // HOUR + 1) * HOUR)
        yield since, end
        since = end


def _covers(intervals: Sequence[Interval], at: float) -> bool:
    return any(begin <= at < end for begin, end in intervals)
