"""How times are counted: in buckets whose bounds are the same for ever, so that counts may be added up.

Each bound is 2^(1/4) times the one below, from 1 ms to 20 minutes: a percentile is never wrong by more than
a fifth. Times are milliseconds. Pure.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping

STEPS = 4  # bounds for each doubling
LONGEST_MS = 20 * 60 * 1000
BOUNDS = tuple(2 ** (i / STEPS) for i in range(math.ceil(STEPS * math.log2(LONGEST_MS)) + 1))
OVERFLOW = len(BOUNDS)  # the bucket of what took longer than the last bound

Counts = Mapping[int, int]


def bucket_of(milliseconds: float) -> int:
    """The number of the first bucket that holds this time; its bound belongs to it."""
    return bisect_left(BOUNDS, milliseconds)


def percentile(counts: Counts, percent: float) -> float | None:
    """The time within which `percent` of all were done, as if each bucket's were spread evenly; None of none.

    Of what took longer than the last bound nothing is known but that: it counts as that bound.
    """
    total = sum(counts.values())
    if not total:
        return None
    rank, below = percent / 100 * total, 0
    for bucket in sorted(counts):
        count = counts[bucket]
        if count and below + count >= rank:
            return _within(bucket, (rank - below) / count)
        below += count
    return _within(max(counts), 1.0)  # rounding only


def cumulative(counts: Counts, step: int = STEPS) -> Iterable[tuple[float, int]]:
    """Every `step`th bound with how many were at most that long, in order."""
    done = 0
    for bucket, bound in enumerate(BOUNDS):
        done += counts.get(bucket, 0)
        if bucket % step == 0:
            yield bound, done


def _within(bucket: int, share: float) -> float:
    if bucket >= OVERFLOW:
        return BOUNDS[-1]
    lower = BOUNDS[bucket - 1] if bucket else 0.0
    return lower + (BOUNDS[bucket] - lower) * max(0.0, share)
