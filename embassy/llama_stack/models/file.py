from typing import ClassVar

from django.conf import settings
from django.db import models

from embassy.platform.ids import id_factory
from embassy.projects.models import Organization


class Purpose(models.TextChoices):
    """What a file is for. Only `fine-tune` and `batch` files are checked when they are uploaded."""

    ASSISTANTS = "assistants"
    BATCH = "batch"
    BATCH_OUTPUT = "batch_output"
    FINE_TUNE = "fine-tune"
    FINE_TUNE_RESULTS = "fine-tune-results"
    VISION = "vision"
    USER_DATA = "user_data"
    EVALS = "evals"


class File(models.Model):
    """An uploaded file of an organization: its bytes never change."""

    public_id = models.CharField(max_length=40, unique=True, default=id_factory("file-"), editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)  # as its owner calls it
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    size = models.PositiveBigIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(purpose__in=Purpose.values), name="file_purpose_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "id"]),
            models.Index(fields=["expires_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"

    @property
    def prefix(self) -> str:
        """Every object of this file lies under it."""
        return f"files/{self.public_id}/"

    @property
    def key(self) -> str:
        return f"{self.prefix}content"
