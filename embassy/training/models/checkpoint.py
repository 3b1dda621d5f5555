"""What an epoch leaves behind, and how it answered the test rows."""

from typing import Any, ClassVar

from django.db import models

from embassy.platform.ids import id_factory
from embassy.platform.models import Timestamped
from embassy.training.models.job import TrainingJob

BASE = 0  # the number under which the base model itself is tested


class Checkpoint(Timestamped):
    """The row exists only once its archive is stored. `number` is the epoch, from 1."""

    public_id = models.CharField(max_length=40, unique=True, default=id_factory("ck-"), editable=False)
    job = models.ForeignKey(TrainingJob, on_delete=models.CASCADE, related_name="checkpoints")
    number = models.PositiveIntegerField()
    step = models.PositiveIntegerField()
    archive_key = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64)  # of the archive
    size_bytes = models.BigIntegerField()
    rank = models.PositiveIntegerField(default=0)  # of the adapter; 0 for a whole model
    merged = models.BooleanField(default=False)  # a whole model, not an adapter
    prompt_format: Any = models.JSONField(null=True, blank=True)  # {"prefix", "suffix"} around a user's turn
    metadata: Any = models.JSONField(default=dict)  # what serving needs beyond the weights, e.g. labels
    metrics: Any = models.JSONField(default=dict)
    evidence: Any = models.JSONField(default=dict)  # from what, with what and how it was made

    parity: Any = models.JSONField(null=True, blank=True)  # whether the engine answers as the trainer did
    best = models.BooleanField(default=False)  # of its job, by the test function that selects

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "number"], name="checkpoint_once"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="checkpoint_counts_from_one"),
        ]
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.number}"


class TestResult(Timestamped):
    """Scores of one checkpoint, or of the base model (number 0); every row's is in the object."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    job = models.ForeignKey(TrainingJob, on_delete=models.CASCADE, related_name="test_results")
    number = models.PositiveIntegerField()
    rows_key = models.CharField(max_length=500)
    rows = models.PositiveIntegerField()
    scores: Any = models.JSONField(default=dict)  # {test function: mean}
    failures: Any = models.JSONField(default=dict)  # {test function: rows in which it raised}
    metrics: Any = models.JSONField(default=dict)  # of all rows together: evaluation.metrics.report.Report

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "number"], name="test_result_once")]
        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.number}: {self.scores}"
