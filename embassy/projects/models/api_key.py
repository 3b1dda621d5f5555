from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from embassy.platform.models import Timestamped
from embassy.projects.models.organization import Organization
from embassy.projects.models.project import Project


def every_scope() -> list[str]:
    return ["*"]


class ApiKey(Timestamped):
    """A key as stored: a public prefix to find it by, and the peppered digest of the whole key."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scopes: Any = ArrayField(models.CharField(max_length=40), default=every_scope)
    projects = models.ManyToManyField(Project, blank=True, related_name="+")  # none: all
    model_names: Any = ArrayField(models.CharField(max_length=200), default=list, blank=True)  # none: all
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True
    )  # none: the platform's; 0: no limit
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"
