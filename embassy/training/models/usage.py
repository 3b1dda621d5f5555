"""How long trainings ran, for those who pay for it."""

from typing import ClassVar

from django.db import models


class TrainingUsage(models.Model):
    """Seconds that one attempt of a job trained within one hour. They only ever grow.

    The others are plain primary keys: what was used stays true when they are deleted.
    """

    organization_pk = models.BigIntegerField()
    project_pk = models.BigIntegerField()
    job_pk = models.BigIntegerField()
    user_pk = models.BigIntegerField()  # who created the job
    attempt = models.PositiveIntegerField()
    hour = models.DateTimeField()  # its beginning
    seconds = models.FloatField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job_pk", "attempt", "hour"], name="training_usage_once_an_hour")
        ]
        indexes: ClassVar = [models.Index(fields=["organization_pk", "hour"])]

    def __str__(self) -> str:
        return f"{self.job_pk} {self.hour:%Y-%m-%d %H}: {self.seconds:.0f} s"
