"""One wake of a deployment or a shared base model: who caused it, and how long it took."""

from typing import ClassVar

from django.db import models

from embassy.deployments.models.deployment import Deployment


class WakeCause(models.TextChoices):
    CREATED = "created"
    REQUEST = "request"
    REACTIVATED = "reactivated"
    SCHEDULE = "schedule"
    ENGINE_LOST = "engine_lost"  # its engine ended by itself, or its host


class WakeOutcome(models.TextChoices):
    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"
    GIVEN_UP = "given_up"  # put to sleep or deleted before it was up


class Wake(models.Model):
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, null=True, related_name="wakes")
    engine = models.ForeignKey("engines.Engine", on_delete=models.CASCADE, null=True, related_name="wakes")
    model = models.CharField(max_length=200)  # the name that was asked for
    cause = models.CharField(max_length=16, choices=WakeCause.choices)
    outcome = models.CharField(max_length=16, choices=WakeOutcome.choices, default=WakeOutcome.WAITING)
    reason = models.TextField(blank=True)  # the last one while it waited, or why it failed; a sentence
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True)  # from asked to ended

    class Meta:
        indexes: ClassVar = [models.Index(fields=["deployment", "id"]), models.Index(fields=["asked_at"])]

    def __str__(self) -> str:
        return f"{self.model}: {self.cause}, {self.outcome}"
