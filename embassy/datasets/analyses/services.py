"""Ask for analyses."""

from django.db import transaction

from embassy.datasets import work
from embassy.datasets.models import Analysis, AnalysisKind, Dataset
from embassy.datasets.states import WORK, WorkStatus


def begin_rows(dataset: Dataset) -> Analysis:
    """Every dataset's own: lengths, labels, duplicates."""
    return begin(dataset=dataset, kind=AnalysisKind.ROWS)


def begin_leaks(*, dataset: Dataset, other: Dataset) -> Analysis:
    """Which rows of `dataset` ask what rows of `other` ask too."""
    return begin(dataset=dataset, kind=AnalysisKind.LEAKS, subject=other.public_id)


@transaction.atomic
def begin(*, dataset: Dataset, kind: AnalysisKind, subject: str = "") -> Analysis:
    """The analysis, begun unless it is done or under way; one that failed is tried anew."""
    analysis, is_new = Analysis.objects.get_or_create(
        dataset=dataset, kind=kind, subject=subject, defaults={"reason": work.WAITING}
    )
    if is_new or _restart(analysis):
        work.publish(analysis)
    return analysis


def _restart(analysis: Analysis) -> bool:
    changes = {"failures": 0, "reason": work.WAITING}
    return WORK.transition(analysis, WorkStatus.WAITING, sources=[WorkStatus.FAILED], changes=changes)
