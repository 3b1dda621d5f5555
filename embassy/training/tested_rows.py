"""The rows of test results: read as streams, twice where they must be ordered, and never all kept.

Of a first reading only places and scores are kept, for as many rows as lie before the end of the page.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from heapq import nsmallest
from itertools import islice
from typing import Any, Generic, TypeVar

import orjson

from embassy.datasets.rows import RawRow
from embassy.evaluation import registry
from embassy.platform.errors import InvalidInput, NotFound
from embassy.platform.storage import get_storage
from embassy.training.models import TestResult, TrainingJob
from embassy.training.selection import Selection

T = TypeVar("T")
Key = tuple[float, int]  # small comes first; the place in the file decides between equals


class Order(StrEnum):
    LINE = "line"
    BEST = "best"
    WORST = "worst"


class Change(StrEnum):
    ALL = "all"
    CHANGED = "changed"
    BETTER = "better"
    WORSE = "worse"


SIGNS = {Order.LINE: 0.0, Order.BEST: 1.0, Order.WORST: -1.0}  # of a row's cost


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """`total` counts what there is on all pages."""

    total: int
    offset: int
    rows: list[T]


@dataclass(frozen=True)
class Measure:
    """A test function and which way is up."""

    name: str
    higher_is_better: bool

    def cost(self, row: Mapping[str, Any]) -> float:
        """Low is good; a row without a score comes after all others, for there is something wrong with it."""
        value = self.score(row)
        if value is None:
            return float("inf")
        return -value if self.higher_is_better else value

    def gain(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
        """How much better `after` is; a row without a score counts as 0, as it does in the mean."""
        difference = (self.score(after) or 0.0) - (self.score(before) or 0.0)
        return difference if self.higher_is_better else -difference

    def score(self, row: Mapping[str, Any]) -> float | None:
        value: float | None = row["scores"].get(self.name)
        return value


@dataclass(frozen=True)
class Pair:
    """One test row, as two checkpoints answered it. `gain` is above 0 where the second is better."""

    before: RawRow
    after: RawRow
    gain: float

    @property
    def verdict(self) -> str:
        if not self.gain:
            return "same"
        return "better" if self.gain > 0 else "worse"


@dataclass(frozen=True, kw_only=True)
class Comparison(Page[Pair]):
    """The counts are of all rows, whichever are shown."""

    better: int
    worse: int
    same: int


def get_result(job: TrainingJob, number: int) -> TestResult:
    result = job.test_results.filter(number=number).first()
    if result is None:
        what = f"Checkpoint {number}" if number else "The base model"
        raise NotFound(f"{what} of training job {job.name} has not been tested.")
    return result


def measure_of(job: TrainingJob, name: str | None) -> Measure:
    """The function of that name; None: the one that selects the best checkpoint. Raises InvalidInput."""
    selection = Selection.of(job.spec)
    if selection is not None and name in (None, selection.test_function):
        return Measure(selection.test_function, selection.higher_is_better)
    if name is None or name not in job.test_functions:
        if not job.test_functions:
            raise InvalidInput("This job has no test functions, so nothing is better or worse.")
        names = ", ".join(job.test_functions)
        raise InvalidInput(f"by: {name} is none of the job's test functions, which are: {names}.")
    return Measure(name, registry.higher_is_better(name))


def rows_of(
    result: TestResult,
    measure: Measure | None,
    *,
    order: str = Order.LINE,
    offset: int = 0,
    limit: int = 100,
    only_failed: bool = False,
    keep: Callable[[RawRow], bool] | None = None,
) -> Page[RawRow]:
    """A page of the rows; `only_failed` leaves those without a score by the function, `keep` what it says.

    `measure` may be None for a job without test functions: then rows come as they lie.
    """
    if keep is not None:
        return _kept_rows(result, measure, order, offset, limit, keep)
    if measure is None or (order == Order.LINE and not only_failed):
        rows = list(islice(_rows(result), offset, offset + limit))
        return Page(total=result.rows, offset=offset, rows=rows)
    sign = SIGNS[Order(order)]
    total = result.failures.get(measure.name, 0) if only_failed else result.rows

    def keys() -> Iterator[Key]:
        for place, row in enumerate(_rows(result)):
            if not only_failed or measure.score(row) is None:
                yield (sign * measure.cost(row) if sign else 0.0, place)

    return Page(total=total, offset=offset, rows=_pick(keys(), lambda: _rows(result), offset, limit))


def _kept_rows(
    result: TestResult,
    measure: Measure | None,
    order: str,
    offset: int,
    limit: int,
    keep: Callable[[RawRow], bool],
) -> Page[RawRow]:
    sign = SIGNS[Order(order)] if measure is not None else 0.0
    count = 0

    def keys() -> Iterator[Key]:
        nonlocal count
        for place, row in enumerate(_rows(result)):
            if keep(row):
                count += 1
                yield (sign * measure.cost(row) if measure is not None and sign else 0.0, place)

    rows = _pick(keys(), lambda: _rows(result), offset, limit)
    return Page(total=count, offset=offset, rows=rows)


def answers_to(result: TestResult, lines: Collection[int]) -> dict[int, str]:
    """What was answered to the test rows with these line numbers."""
    found = (row for row in _rows(result) if row["line"] in lines)
    return {row["line"]: str(row["predicted_output"]) for row in islice(found, len(lines))}


def compare(
    before: TestResult,
    after: TestResult,
    measure: Measure,
    *,
    show: str = Change.CHANGED,
    offset: int = 0,
    limit: int = 100,
) -> Comparison:
    """The rows in which two results of one job differ; what changed most comes first."""
    counts: Counter[str] = Counter()

    def keys() -> Iterator[Key]:
        for place, pair in enumerate(_pairs(before, after, measure)):
            counts[pair.verdict] += 1
            if show in (Change.ALL, pair.verdict) or (show == Change.CHANGED and pair.gain):
                yield -abs(pair.gain), place

    rows = _pick(keys(), lambda: _pairs(before, after, measure), offset, limit)
    better, worse, same = (counts[name] for name in ("better", "worse", "same"))
    totals = {"all": better + worse + same, "changed": better + worse, "better": better, "worse": worse}
    return Comparison(total=totals[show], offset=offset, rows=rows, better=better, worse=worse, same=same)


def _pick(keys: Iterable[Key], again: Callable[[], Iterator[T]], offset: int, limit: int) -> list[T]:
    """The rows with the smallest keys, from `offset` on, in that order."""
    places = [place for _, place in nsmallest(offset + limit, keys)[offset:]]
    if not places:
        return []
    wanted, last = set(places), max(places)
    found = {place: row for place, row in enumerate(islice(again(), last + 1)) if place in wanted}
    return [found[place] for place in places]


def _pairs(before: TestResult, after: TestResult, measure: Measure) -> Iterator[Pair]:
    # Every checkpoint of a job answers the same rows in the same order.
    for one, other in zip(_rows(before), _rows(after), strict=True):
        yield Pair(one, other, measure.gain(one, other))


def _rows(result: TestResult) -> Iterator[RawRow]:
    with get_storage().open(result.rows_key) as lines:
        yield from (orjson.loads(line) for line in lines)
