"""What was used, in numbers."""

from datetime import UTC, datetime
from typing import ClassVar

from django.db import models


def hour_of(time: datetime) -> datetime:
    """The hour in whose row this is counted, by its beginning."""
    return time.replace(minute=0, second=0, microsecond=0)


def day_of(time: datetime) -> datetime:
    """The day in whose row this is counted, by its beginning in UTC."""
    return time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


class Sums(models.Model):
    """What one key used of one model. Numbers only ever grow.

    The others are plain primary keys: what was used stays true when they are deleted.
    """

    organization_pk = models.BigIntegerField()
    project_pk = models.BigIntegerField(null=True)
    deployment_pk = models.BigIntegerField(null=True)  # none: a base model
    key_pk = models.BigIntegerField(null=True)
    model = models.CharField(max_length=200)
    requests = models.BigIntegerField(default=0)
    prompt_tokens = models.BigIntegerField(default=0)
    completion_tokens = models.BigIntegerField(default=0)
    milliseconds = models.BigIntegerField(default=0)  # from requests to the last bytes of answers
    errors = models.BigIntegerField(default=0)  # of the requests, those that got none but an error
    engine_milliseconds = models.BigIntegerField(default=0)  # its share of the time that its engine was up

    class Meta:
        abstract = True


class Usage(Sums):
    """Within one hour."""

    hour = models.DateTimeField()  # its beginning

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization_pk", "deployment_pk", "model", "key_pk", "hour"],
                nulls_distinct=False,
                name="usage_once_an_hour",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["organization_pk", "hour"])]

    def __str__(self) -> str:
        return f"{self.model} {self.hour:%Y-%m-%d %H}: {self.requests}"


class UsageDay(Sums):
    """The same once more within one day, for reports on long times: a twentieth of the rows."""

    day = models.DateTimeField()  # its beginning in UTC

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization_pk", "deployment_pk", "model", "key_pk", "day"],
                nulls_distinct=False,
                name="usage_once_a_day",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["organization_pk", "day"])]

    def __str__(self) -> str:
        return f"{self.model} {self.day:%Y-%m-%d}: {self.requests}"
