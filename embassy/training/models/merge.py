"""A checkpoint's adapter put into its base model, on demand: a whole model to use anywhere."""

from typing import Any, ClassVar

from django.db import models

from embassy.platform.ids import id_factory
from embassy.platform.models import Leased, Timestamped
from embassy.training.models.checkpoint import Checkpoint
from embassy.training.states import MERGE, MergeStatus


class Merge(Leased, Timestamped):
    """Exists from the moment somebody asks. `archive_key` is set in state Ready, and only then."""

    public_id = models.CharField(max_length=40, unique=True, default=id_factory("mg-"), editable=False)
    checkpoint = models.OneToOneField(Checkpoint, on_delete=models.CASCADE, related_name="merge")

    status = models.CharField(max_length=16, choices=MergeStatus.choices, default=MergeStatus.PENDING)
    reason = models.TextField(blank=True)  # why it waits or failed; a sentence
    code = models.CharField(max_length=64, blank=True)  # stable name of that reason
    failures = models.PositiveIntegerField(default=0)
    next_retry_at = models.DateTimeField(null=True, blank=True)

    archive_key = models.CharField(max_length=500, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)  # of the archive
    size_bytes = models.BigIntegerField(null=True, blank=True)
    files: Any = models.JSONField(default=dict)  # {name in the archive: SHA-256}

    class Meta:
        constraints: ClassVar = [MERGE.check("merge_status_known")]

    def __str__(self) -> str:
        return f"{self.public_id} of {self.checkpoint_id}"
