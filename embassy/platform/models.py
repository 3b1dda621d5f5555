"""Events and the columns that every leased row has."""

from typing import ClassVar

from django.db import models


class Event(models.Model):
    """One move of one object's status, written in the transaction that made it. Never changed."""

    subject = models.CharField(max_length=64)  # public id of the object
    kind = models.CharField(max_length=32)  # model name, lower case
    source = models.CharField(max_length=32, blank=True)
    target = models.CharField(max_length=32)
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["subject", "id"])]

    def __str__(self) -> str:
        return f"{self.subject}: {self.source} → {self.target}"


class Leased(models.Model):
    """Work that outlasts a request: who owns it, with which token, until when (see leases.py)."""

    lease_owner = models.CharField(max_length=128, blank=True)
    lease_token = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    published_at = models.DateTimeField(null=True, blank=True)  # when a wake-up was last sent

    class Meta:
        abstract = True


class Timestamped(models.Model):
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
