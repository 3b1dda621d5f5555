"""The metrics of each task."""

from collections.abc import Callable, Sequence

from embassy.evaluation.functions import Row
from embassy.evaluation.metrics import classification, generation, regression
from embassy.evaluation.metrics.report import Report
from embassy.evaluation.task_types import TaskType

_METRICS: dict[str, Callable[[Sequence[Row]], Report]] = {
    TaskType.TEXT_GENERATION: generation.report,
    TaskType.CLASSIFICATION: classification.report,
    TaskType.REGRESSION: regression.report,
    TaskType.EMBEDDING: regression.report,  # the expected and the measured likeness of each pair
}


def report(task_type: str, rows: Sequence[Row]) -> Report:
    """Raises KeyError for an unknown task. Imports scikit-learn for some tasks: not for the web process."""
    return _METRICS[task_type](rows)
