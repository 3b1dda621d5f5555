"""An adapter that an engine is to have loaded: desired and observed state in one row."""

from typing import ClassVar

from django.db import models

from embassy.engines.models.engine import Engine
from embassy.platform.models import Timestamped


class Adapter(Timestamped):
    """The name never means other weights: a new version of them has a new name.

    `expires_at` is set for what a test run wants for a short time; the reconciler drops it then.
    """

    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="adapters")
    name = models.CharField(max_length=120)
    archive_key = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64)
    rank = models.PositiveIntegerField()
    wanted = models.BooleanField(default=True)
    loaded_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)  # loads that failed for a reason that may pass
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["engine", "name"], name="adapter_name_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} on {self.engine_id}"

    @property
    def ready(self) -> bool:
        return self.wanted and self.loaded_at is not None
