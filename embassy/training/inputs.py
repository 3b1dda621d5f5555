"""Write the rows of a job as objects of its own, so that later changes to the data sets cannot touch it."""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from embassy.datasets.models import Dataset
from embassy.datasets.rows import RawRow, iter_raw
from embassy.platform.errors import InvalidInput
from embassy.platform.storage import get_storage
from embassy.training import rebalance, split
from embassy.training.models import TrainingJob
from embassy.training.plan import Plan
from embassy.training.rows import example_of, prompt_digest, write_row


@dataclass(frozen=True)
class Written:
    rows: int
    sha256: str


@dataclass(frozen=True)
class Drawn:
    """How often each row is trained on (None: each once), and which are held out, by their indices.

    `counts` says how many rows were left after each step, and how many of each label before and after the
    labels were balanced.
    """

    train: Counter[int] | None
    test: Counter[int]
    counts: dict[str, Any]


@dataclass(frozen=True)
class Inputs:
    train: Written
    test: Written | None
    counts: dict[str, Any]


def write_inputs(job: TrainingJob, plan: Plan) -> Inputs:
    """Store the training and test rows, and the checkpoint to go on from. Raises InvalidInput."""
    drawn = draw(plan, job.train_test_split_ratio)
    inputs = Inputs(
        train=_store(job.train_key, pick(plan.train, drawn.train)),
        test=_test_rows(job, plan, drawn.test),
        counts=drawn.counts,
    )
    if plan.start is not None:
        get_storage().copy(plan.start.archive_key, job.start_key)
    return inputs


def _test_rows(job: TrainingJob, plan: Plan, indices: Counter[int]) -> Written | None:
    if plan.test is not None:
        return _store(job.test_key, pick(plan.test, None))
    if indices:
        return _store(job.test_key, pick(plan.train, indices))
    return None


def sides(plan: Plan, ratio: float | None) -> tuple[Counter[int] | None, Counter[int]]:
    """The two halves of `draw`."""
    drawn = draw(plan, ratio)
    return drawn.train, drawn.test


def draw(plan: Plan, ratio: float | None) -> Drawn:
    """Rows are held out first, then left out, then balanced: what is held out stays as it is."""
    percent, seed = float(plan.parameters["downsample_size"]), int(plan.parameters["seed"])
    total = plan.train.row_count
    if percent == 100 and ratio is None and plan.rebalance is None:
        return Drawn(None, Counter(), _counts(total, 0, total, total, None))
    questions = [prompt_digest(row) for row in iter_raw(plan.train)]
    test = split.held_out(questions, percent=ratio, seed=seed) if ratio is not None else set()
    if ratio is not None and not test:
        raise InvalidInput(
            "train_test_split_ratio: the dataset needs at least two rows with different prompts to be split."
        )
    train = [index for index in range(len(questions)) if index not in test]
    size = max(1, round(len(train) * percent / 100))
    kept = [train[index] for index in sorted(split.sampled(len(train), size=size, seed=seed))]
    times, labels = _balanced(plan, kept, seed)
    counts = _counts(len(questions), len(test), len(kept), times.total(), labels)
    return Drawn(times, Counter(test), counts)


def _balanced(plan: Plan, kept: list[int], seed: int) -> tuple[Counter[int], dict[str, Any] | None]:
    """How often each of the kept rows is taken, and how many rows each label had before and has after."""
    if plan.rebalance is None:
        return Counter(kept), None
    labels = [example_of(row).expected_output.strip() for row in pick(plan.train, Counter(kept))]
    times = rebalance.resampled(labels, plan.rebalance, seed=seed)
    before, after = Counter(labels), Counter[str]()
    for place, count in times.items():
        after[labels[place]] += count
    shown = {"before": dict(sorted(before.items())), "after": dict(sorted(after.items()))}
    return Counter({kept[place]: count for place, count in times.items()}), shown


def _counts(
    dataset: int, held_out: int, sampled: int, trained: int, labels: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "held_out": held_out,
        "sampled": sampled,
        "trained": trained,
        "labels": labels,
    }


def pick(dataset: Dataset, times: Counter[int] | None) -> Iterator[RawRow]:
    """Each row as often as its index is counted; None: each once."""
    for index, row in enumerate(iter_raw(dataset)):
        for _ in range(1 if times is None else times[index]):
            yield row


def _store(key: str, rows: Iterable[RawRow]) -> Written:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="embassy-rows-")))
        path = folder / "rows.jsonl"
        with path.open("wb") as file:
            written = _write(file, rows)
        if not written.rows:
            raise no_rows()
        get_storage().put(key, path)
    return written


def no_rows() -> InvalidInput:
    return InvalidInput("train_dataset_id: the dataset has no rows.", code="empty_dataset")


def _write(file: BinaryIO, rows: Iterable[RawRow]) -> Written:
    digest, count = hashlib.sha256(), 0
    for count, row in enumerate(rows, start=1):  # noqa: B007  (the last value is the number of rows)
        line = write_row(row)
        digest.update(line)
        file.write(line)
    return Written(count, digest.hexdigest())


def dataset_source(dataset: Dataset) -> dict[str, Any]:
    """What tells this dataset from any other, for the evidence."""
    return {
        "file_sha256": dataset.original_sha256,
        "dataset_sha256": dataset.revision,
        "dataset_rows": dataset.row_count,
    }


def dataset_summary(dataset: Dataset) -> dict[str, Any]:
    """The dataset as the API shows it, kept for when it is deleted."""
    return {
        "id": dataset.public_id,
        "name": dataset.name,
        "created_at": int(dataset.created_at.timestamp()),
        "is_uploaded": True,
    }
