"""A checkpoint, or a base model, under a name that requests can give."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from embassy.deployments.states import DEPLOYMENT, ENDED, DeploymentStatus
from embassy.platform.ids import id_factory
from embassy.platform.models import Timestamped
from embassy.platform.words import words_index

LOG_DAYS = 30  # for so long logs are kept, unless somebody says otherwise


class Deployment(Timestamped):
    """What is deployed is copied into the row, so that routing asks nobody else."""

    public_id = models.CharField(max_length=40, unique=True, default=id_factory("dp-"), editable=False)
    organization = models.ForeignKey("projects.Organization", on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="deployments")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    # A job with live deployments cannot be deleted; a terminated deployment lets go of it.
    training_job = models.ForeignKey(
        "training.TrainingJob", on_delete=models.PROTECT, null=True, related_name="deployments"
    )
    checkpoint = models.PositiveIntegerField(default=0)  # 0: the base model itself
    base_model = models.CharField(max_length=200)
    task_type = models.CharField(max_length=32)
    archive_key = models.CharField(max_length=500, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    rank = models.PositiveIntegerField(default=0)
    merged = models.BooleanField(default=False)
    prompt_format: Any = models.JSONField(null=True)
    metadata: Any = models.JSONField(default=dict)

    engine = models.ForeignKey("engines.Engine", on_delete=models.PROTECT, related_name="deployments")
    adapter = models.ForeignKey("engines.Adapter", on_delete=models.SET_NULL, null=True, related_name="+")

    status = models.CharField(
        max_length=16, choices=DeploymentStatus.choices, default=DeploymentStatus.PENDING
    )
    reason = models.TextField(blank=True)  # why it is not Deployed; a sentence
    began_at = models.DateTimeField()  # of the present attempt to deploy
    inactive_timeout = models.PositiveIntegerField()  # seconds
    schedule: Any = models.JSONField(null=True)
    woken_at = models.DateTimeField()  # the last act that asked for it: creation, reactivation, a request
    slept_at = models.DateTimeField(null=True)  # deactivated by hand
    last_used_at = models.DateTimeField(null=True)

    log_requests = models.BooleanField(default=False)  # inputs and outputs are kept only if asked for
    log_days = models.PositiveSmallIntegerField(default=LOG_DAYS)  # and for no longer than this

    class Meta:
        constraints: ClassVar = [
            DEPLOYMENT.check("deployment_status_known"),
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=~models.Q(status__in=sorted(ENDED)),
                name="deployment_name_once",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["project", "id"]), words_index("deployment_words")]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.name})"

    @property
    def needs_adapter(self) -> bool:
        return self.checkpoint > 0 and not self.merged

    @property
    def upstream_model(self) -> str:
        """The name by which its engine knows it."""
        return self.public_id if self.needs_adapter else "base"
