"""A file on its way to become a dataset."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from embassy.datasets.models.dataset import Dataset
from embassy.datasets.models.work import Work
from embassy.datasets.states import WORK, WorkStatus
from embassy.platform.ids import id_factory
from embassy.projects.models import Project


class Upload(Work):
    """Parts come first, then the check, then the dataset or a report. Gone some time after its last part.

    The object lies where the dataset will look for it, so that nothing is copied once it is whole.
    """

    TASK = "datasets.check"

    public_id = models.CharField(max_length=40, unique=True, default=id_factory("up-"), editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="uploads")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)  # that the dataset is to have
    file_name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()  # bytes
    part_bytes = models.PositiveBigIntegerField()  # of every part but the last
    identity = models.CharField(max_length=64, blank=True)  # tells the sender's file from any other
    parts = models.CharField(max_length=1024, blank=True)  # the storage's name for them; empty: no parts
    expires_at = models.DateTimeField()

    dataset_id_wanted = models.CharField(max_length=40, unique=True, default=id_factory("ds-"))
    dataset = models.ForeignKey(Dataset, on_delete=models.SET_NULL, null=True, related_name="+")
    report: Any = models.JSONField(default=dict)  # see uploads.report.summary
    report_key = models.CharField(max_length=255, blank=True)  # every problem, as JSON lines

    class Meta:
        constraints: ClassVar = [WORK.check("upload_status_known")]
        indexes: ClassVar = [
            models.Index(fields=["project", "id"]),
            models.Index(fields=["expires_at"]),
            models.Index(
                fields=["id"], name="upload_active", condition=models.Q(status__in=["waiting", "running"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.public_id})"

    @property
    def prefix(self) -> str:
        """Of the dataset to be."""
        return f"datasets/{self.dataset_id_wanted}/"

    @property
    def key(self) -> str:
        return f"{self.prefix}original"

    @property
    def part_count(self) -> int:
        return max(1, -(-self.size // self.part_bytes))

    def part_size(self, number: int) -> int:
        """Bytes of a part, numbered from 1."""
        return min(self.part_bytes, self.size - (number - 1) * self.part_bytes)

    @property
    def is_uploading(self) -> bool:
        return self.status == WorkStatus.UPLOADING

    @property
    def is_checking(self) -> bool:
        return self.status in (WorkStatus.WAITING, WorkStatus.RUNNING)


class UploadPart(models.Model):
    """What the sender says that a part's SHA-256 is, in hexadecimal."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="announced")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["upload", "number"], name="upload_part_once"),
        ]

    def __str__(self) -> str:
        return f"part {self.number} of {self.upload_id}"
