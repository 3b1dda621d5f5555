"""How long answers took: a histogram for each hour, from which percentiles are read."""

from typing import ClassVar

from django.db import models


class LatencyKind(models.TextChoices):
    WHOLE = "whole"  # from the request to the last byte
    FIRST_TOKEN = "first_token"


class Latency(models.Model):
    """How many answers of one model within one hour fell into one bucket. Counts only ever grow."""

    organization_pk = models.BigIntegerField()
    project_pk = models.BigIntegerField(null=True)
    deployment_pk = models.BigIntegerField(null=True)  # none: a base model
    key_pk = models.BigIntegerField(null=True)
    model = models.CharField(max_length=200)
    hour = models.DateTimeField()  # its beginning
    kind = models.CharField(max_length=16, choices=LatencyKind.choices)
    bucket = models.SmallIntegerField()  # its number; inference/histogram.py knows the bounds
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization_pk", "deployment_pk", "model", "key_pk", "hour", "kind", "bucket"],
                nulls_distinct=False,
                name="latency_once_an_hour",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["organization_pk", "hour"])]

    def __str__(self) -> str:
        return f"{self.model} {self.hour:%Y-%m-%d %H} {self.kind} {self.bucket}: {self.count}"
