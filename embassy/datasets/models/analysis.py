"""Something that was found out about a dataset once, and is kept: a dataset never changes."""

from typing import Any, ClassVar

from django.db import models

from embassy.datasets.models.dataset import Dataset
from embassy.datasets.models.work import Work
from embassy.datasets.states import WORK, WorkStatus


class AnalysisKind(models.TextChoices):
    ROWS = "rows"  # lengths, labels, duplicates
    LEAKS = "leaks"  # rows that another dataset asks too; `subject` is its public id
    TOKENS = "tokens"  # lengths in tokens; `subject` is a base model's name


class Analysis(Work):
    """`result` has what analyses/ says for the kind, in state Done and only then."""

    TASK = "datasets.analyse"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="analyses")
    kind = models.CharField(max_length=16, choices=AnalysisKind.choices)
    subject = models.CharField(max_length=300, blank=True)
    result: Any = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            WORK.check("analysis_status_known"),
            models.CheckConstraint(
                condition=models.Q(kind__in=AnalysisKind.values), name="analysis_kind_known"
            ),
            models.UniqueConstraint(fields=["dataset", "kind", "subject"], name="analysis_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["id"], name="analysis_active", condition=models.Q(status__in=["waiting", "running"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.dataset_id}"

    @property
    def is_done(self) -> bool:
        return self.status == WorkStatus.DONE

    @property
    def is_active(self) -> bool:
        return self.status in (WorkStatus.WAITING, WorkStatus.RUNNING)
