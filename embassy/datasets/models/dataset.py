from typing import ClassVar

from django.conf import settings
from django.db import models

from embassy.platform.ids import id_factory
from embassy.platform.words import words_index
from embassy.platform.models import Timestamped
from embassy.projects.models import Project


class Kind(models.TextChoices):
    """What the rows hold, and so what can be trained on them."""

    PROMPTS = "prompts"  # prompt → completion, or a conversation
    PREFERENCES = "preferences"  # prompt → chosen, rejected
    PAIRS = "pairs"  # two texts and how alike they are


class Format(models.TextChoices):
    """How the original file was written."""

    CSV = "csv"
    JSONL = "jsonl"


class Dataset(Timestamped):
    """A checked file of rows. It never changes: new rows are a new dataset.

    Two objects are stored: the original as it was uploaded, and the canonical rows (see rows.py).
    """

    public_id = models.CharField(max_length=40, unique=True, default=id_factory("ds-"), editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    format = models.CharField(max_length=8, choices=Format.choices)
    is_uploaded = models.BooleanField(default=True)
    file_name = models.CharField(max_length=255)  # of the original, as the user named it
    original_key = models.CharField(max_length=255)
    original_bytes = models.PositiveBigIntegerField()
    original_sha256 = models.CharField(max_length=64)
    rows_key = models.CharField(max_length=255)
    revision = models.CharField(max_length=64)  # sha256 of the canonical rows
    row_count = models.PositiveBigIntegerField()
    counts = models.JSONField(default=dict)  # see validation.counts.Counts
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(kind__in=Kind.values), name="dataset_kind_known"),
            models.CheckConstraint(condition=models.Q(format__in=Format.values), name="dataset_format_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["project", "id"]), words_index("dataset_words")]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"

    @property
    def prefix(self) -> str:
        """Every object of this dataset lies under it."""
        return f"datasets/{self.public_id}/"
