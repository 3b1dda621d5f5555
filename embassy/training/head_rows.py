"""Check the rows of a job whose model gets a head, and find out what the head is to learn. Reads only."""

from collections.abc import Mapping
from typing import Any

from embassy.datasets.models import Dataset
from embassy.datasets.rows import iter_raw
from embassy.platform.errors import InvalidInput
from embassy.training.kinds import HEADS
from embassy.training.models import Checkpoint
from embassy.training.rows import example_of
from embassy.training.states import TaskType
from embassy.training.targets import (
    MOST_LABELS_OF_AN_ADAPTER,
    Answers,
    Targets,
    check_answers,
    label_problem,
    number_problem,
    read_targets,
    tally,
)


def targets_of(
    task_type: str,
    train: Dataset,
    test: Dataset | None,
    start: Checkpoint | None,
    parameters: Mapping[str, Any],
) -> Targets | None:
    """None for a task without a head. In the parameters `multi_label` is None unless it was asked for.

    Raises InvalidInput with the lines of what is wrong.
    """
    if task_type not in HEADS:
        return None
    multi_label = parameters.get("multi_label")
    targets = read_targets(task_type, _answers(train), multi_label=multi_label, field="train_dataset_id")
    if start is not None:
        targets = _as_the_head(targets, start)
    if task_type == TaskType.CLASSIFICATION and not (
        parameters["full_fine_tuning"] or parameters["use_dora"]
    ):
        _check_count(targets)
    if test is not None:
        check_answers(
            _answers(test), lambda answer: _test_problem(task_type, targets, answer), "test_dataset_id"
        )
    return targets


def _answers(dataset: Dataset) -> Answers:
    rows = map(example_of, iter_raw(dataset))
    return tally((row.line, row.expected_output) for row in rows)


def _test_problem(task_type: str, targets: Targets, answer: str) -> str | None:
    if task_type == TaskType.REGRESSION:
        return number_problem(answer)
    return label_problem(answer, targets.multi_label, targets.labels)


def _as_the_head(targets: Targets, start: Checkpoint) -> Targets:
    """A head keeps its outputs when it is trained on."""
    labels = tuple(start.job.spec.get("labels") or ())
    if unknown := [label for label in targets.labels if label not in labels]:
        raise InvalidInput(
            f"train_dataset_id: the checkpoint to go on from knows no label {unknown[0]!r}."
            f" It knows: {', '.join(labels[:20])}.",
            code="unknown_label",
        )
    return Targets(labels, targets.multi_label, targets.baseline)


def _check_count(targets: Targets) -> None:
    if len(targets.labels) > MOST_LABELS_OF_AN_ADAPTER:
        raise InvalidInput(
            f"train_dataset_id: there are {len(targets.labels)} labels; an adapter can tell"
            f" {MOST_LABELS_OF_AN_ADAPTER} apart. Merge some, or train with full_fine_tuning.",
            code="too_many_labels",
        )
