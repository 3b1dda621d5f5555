"""One look through the rows that a job would be made from."""

from collections import Counter
from dataclasses import dataclass

from embassy.datasets.models import Dataset
from embassy.datasets.rows import RawRow, iter_raw
from embassy.training.inputs import no_rows, pick, sides
from embassy.training.plan import Plan
from embassy.training.preflight.counting import spaced
from embassy.training.rows import example_of, prompt_digest

MOST_READ = 5000
MOST_BYTES = 20_000_000


@dataclass(frozen=True)
class Survey:
    """`sample` are evenly spaced training rows, all if they are few. `known_test_rows` of the test rows ask
    what a training row asks too; `labels` counts those of a classifier that knows one to a row."""

    train_rows: int
    test_rows: int
    sample: list[RawRow]
    known_test_rows: int
    labels: Counter[str]


def survey(plan: Plan, ratio: float | None) -> Survey:
    """Raises InvalidInput as the creation of the job would."""
    times, held_out = sides(plan, ratio)
    total = plan.train.row_count if times is None else sum(times.values())
    if not total:
        raise no_rows()
    return Survey(
        train_rows=total,
        test_rows=plan.test.row_count if plan.test else sum(held_out.values()),
        sample=list(spaced(pick(plan.train, times), total, _most_read(plan.train))),
        known_test_rows=_known_test_rows(plan, times),
        labels=_labels(plan, times),
    )


def _most_read(dataset: Dataset) -> int:
    """Of long rows fewer: somebody waits for the answer."""
    each = dataset.original_bytes / max(1, dataset.row_count)
    return max(1, min(MOST_READ, int(MOST_BYTES / max(1.0, each))))


def _known_test_rows(plan: Plan, times: Counter[int] | None) -> int:
    """A split never tears equal questions apart; a data set of its own may hold any."""
    if plan.test is None:
        return 0
    asked = {prompt_digest(row) for row in pick(plan.train, times)}
    return sum(prompt_digest(row) in asked for row in iter_raw(plan.test))


def _labels(plan: Plan, times: Counter[int] | None) -> Counter[str]:
    targets = plan.targets
    if targets is None or targets.multi_label or not targets.labels:
        return Counter()
    return Counter(example_of(row).expected_output.strip() for row in pick(plan.train, times))
