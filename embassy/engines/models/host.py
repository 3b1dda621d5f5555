"""A machine on which engine workers run: what it has, and when it was last heard of."""

from typing import Any

from django.db import models

from embassy.platform.models import Timestamped


class Host(Timestamped):
    """Written by the host's own worker. `memory_bytes` is what engines may take in all."""

    name = models.CharField(max_length=255, unique=True)
    address = models.CharField(max_length=255)  # under which gateways reach its engines
    memory_bytes = models.BigIntegerField()
    gpus: Any = models.JSONField(default=list, blank=True)  # [{"index", "name", "memory_bytes"}]
    slots = models.PositiveIntegerField(default=0)  # engines that its worker runs at once
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
