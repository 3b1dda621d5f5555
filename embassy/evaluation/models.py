"""Test functions of users."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from embassy.evaluation.source import MAX_NAME
from embassy.platform.models import Timestamped


class TestFunction(Timestamped):
    """Belongs to an organization, and is known there by its name. Jobs keep copies of the source."""

    is_built_in = False
    __test__ = False  # the name is the product's; test runners take it for one of theirs

    organization = models.ForeignKey(
        "projects.Organization", on_delete=models.CASCADE, related_name="test_functions"
    )
    name = models.CharField(max_length=MAX_NAME)  # that of the Python function
    content = models.TextField()
    dependencies: Any = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    task_types: Any = ArrayField(models.CharField(max_length=32), default=list, blank=True)  # none: all
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "name"], name="test_function_name_once"),
        ]

    def __str__(self) -> str:
        return self.name
