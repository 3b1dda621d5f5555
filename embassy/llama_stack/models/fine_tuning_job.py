from typing import Any, ClassVar

from django.db import models

from embassy.platform.ids import id_factory
from embassy.projects.models import Organization


class FineTuningJob(models.Model):
    """What OpenAI's API knows of a training job beyond the job itself: how it was asked for.

    Its state is the training job's. The files it was made from may be gone: only their ids are kept.
    """

    public_id = models.CharField(max_length=40, unique=True, default=id_factory("ftjob-"), editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    training_job = models.OneToOneField(
        "training.TrainingJob", on_delete=models.CASCADE, related_name="fine_tuning_job"
    )
    model = models.CharField(max_length=200)  # as the request named it
    suffix = models.CharField(max_length=64, blank=True)
    fine_tuned_model = models.CharField(max_length=120)  # the name of its last checkpoint's model
    training_file = models.CharField(max_length=40)
    validation_file = models.CharField(max_length=40, blank=True)
    method: Any = models.JSONField()  # with every hyperparameter as it was asked for, or "auto"
    seed = models.BigIntegerField()
    metadata: Any = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "fine_tuned_model"], name="fine_tuned_model_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["organization", "id"])]

    def __str__(self) -> str:
        return self.public_id
