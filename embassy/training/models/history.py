"""What happened in a job, step by step."""

from typing import Any, ClassVar

from django.db import models

from embassy.training.models.job import TrainingJob


class JobEvent(models.Model):
    """One line of the runner's account, or (without attempt and seq) one of ours. Never changed.

    Both are written under a lock on the job's row, so ids grow in the order in which they become visible.
    """

    job = models.ForeignKey(TrainingJob, on_delete=models.CASCADE, related_name="events")
    attempt = models.PositiveIntegerField(null=True, blank=True)
    seq = models.PositiveIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=32)
    at = models.DateTimeField()
    data: Any = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "attempt", "seq"], name="job_event_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["job", "id"])]

    def __str__(self) -> str:
        return f"{self.job_id} {self.kind}"


class LossPoint(models.Model):
    """The loss at a step. A resumed run repeats steps: the later value stands."""

    job = models.ForeignKey(TrainingJob, on_delete=models.CASCADE, related_name="loss_points")
    step = models.PositiveIntegerField()
    at = models.DateTimeField()
    loss = models.FloatField()
    epoch = models.FloatField(null=True, blank=True)
    learning_rate = models.FloatField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "step"], name="loss_point_once")]
        ordering: ClassVar = ["step"]

    def __str__(self) -> str:
        return f"{self.job_id} step {self.step}: {self.loss}"
