"""How requests to a deployment went, minute by minute and hour by hour: what its charts are drawn from."""

from typing import ClassVar

from django.db import models

MINUTE, HOUR = 60, 3600


class TallyKind(models.TextChoices):
    OUTCOME = "outcome"  # `name` is the status, and after a space the code of an error
    PROMPT_TOKENS = "prompt_tokens"
    COMPLETION_TOKENS = "completion_tokens"
    WHOLE = "whole"  # `name` is the bucket of the time until the last byte
    FIRST_TOKEN = "first_token"  # noqa: S105 (no secret)


class Tally(models.Model):
    """Counts only ever grow. Minutes are kept for a day, hours for a month; sums for ever are in Usage."""

    deployment_pk = models.BigIntegerField()
    step = models.PositiveSmallIntegerField()  # seconds that it covers: a minute or an hour
    time = models.DateTimeField()  # its beginning
    kind = models.CharField(max_length=20, choices=TallyKind.choices)
    name = models.CharField(max_length=100, blank=True)
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["deployment_pk", "step", "time", "kind", "name"], name="tally_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["step", "time"])]

    def __str__(self) -> str:
        return f"{self.deployment_pk} {self.time:%Y-%m-%d %H:%M}: {self.count} {self.kind} {self.name}"
