"""A training job: what was asked, frozen, and how far it has come."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from embassy.platform.ids import id_factory
from embassy.platform.models import Leased, Timestamped
from embassy.platform.words import words_index
from embassy.training.states import JOB, BaseModelOption, JobStatus, TaskType, Technique


class TrainingJob(Leased, Timestamped):
    """`spec` is what the runs are made from; nothing that happens to the data sets later changes it.

    Everything too big for a row lies in the object storage under `prefix`.
    """

    public_id = models.CharField(max_length=40, unique=True, default=id_factory("tr-"), editable=False)
    project = models.ForeignKey("projects.Project", on_delete=models.CASCADE, related_name="training_jobs")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)

    technique = models.CharField(max_length=8, choices=Technique.choices, default=Technique.SFT)
    task_type = models.CharField(max_length=32, choices=TaskType.choices, default=TaskType.TEXT_GENERATION)
    base_model_option = models.CharField(
        max_length=16, choices=BaseModelOption.choices, default=BaseModelOption.PRE_TRAINED
    )
    base_model = models.CharField(max_length=200)  # name in the catalog
    base_fine_tuned_model = models.CharField(max_length=120, blank=True)  # name of the job gone on from
    base_fine_tuned_model_checkpoint = models.PositiveIntegerField(null=True, blank=True)
    train_dataset = models.ForeignKey(
        "datasets.Dataset", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    test_dataset = models.ForeignKey(
        "datasets.Dataset", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    datasets: Any = models.JSONField(default=dict)  # {"train": summary, "test": summary} as they were
    train_test_split_ratio = models.FloatField(null=True, blank=True)  # percent
    test_functions: Any = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    reward: Any = models.JSONField(null=True, blank=True)  # {test function: weight}
    parameters: Any = models.JSONField(default=dict)  # every one, defaults included
    spec: Any = models.JSONField(default=dict)

    train_rows = models.PositiveIntegerField(default=0)
    test_rows = models.PositiveIntegerField(default=0)

    status = models.CharField(max_length=16, choices=JobStatus.choices, default=JobStatus.PENDING)
    reason = models.TextField(blank=True)  # why it waits or ended; a sentence
    code = models.CharField(max_length=64, blank=True)  # stable name of that reason
    pause_requested = models.BooleanField(default=False)  # whoever runs it stops at the next chance
    next_retry_at = models.DateTimeField(null=True, blank=True)
    progress = models.PositiveSmallIntegerField(default=0)  # percent
    failures = models.PositiveIntegerField(default=0)  # attempts that crashed
    started_at = models.DateTimeField(null=True, blank=True)
    trained_at = models.DateTimeField(null=True, blank=True)  # set: only testing is left
    finished_at = models.DateTimeField(null=True, blank=True)
    seconds_used = models.FloatField(default=0)  # of training, over all attempts

    # How far the runner's own account has been read: bytes of the events file of one attempt.
    events_attempt = models.PositiveIntegerField(default=0)
    events_offset = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            JOB.check("training_job_status_known"),
            models.UniqueConstraint(fields=["project", "name"], name="training_job_name_once"),
            models.CheckConstraint(
                condition=models.Q(progress__lte=100), name="training_job_progress_percent"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "id"]),
            words_index("training_job_words"),
            models.Index(
                fields=["status"],
                condition=models.Q(status__in=[JobStatus.PENDING, JobStatus.RUNNING, JobStatus.TESTING]),
                name="training_job_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.name})"

    @property
    def prefix(self) -> str:
        return f"training/{self.public_id}/"

    @property
    def train_key(self) -> str:
        return f"{self.prefix}data/train.jsonl"

    @property
    def test_key(self) -> str:
        return f"{self.prefix}data/test.jsonl"

    @property
    def start_key(self) -> str:
        """Archive of the checkpoint that this job goes on from, if it goes on from one."""
        return f"{self.prefix}data/start.tar.gz"

    @property
    def resume_prefix(self) -> str:
        """Under it lies the state from which another host can go on, named by its step."""
        return f"{self.prefix}resume/"

    def log_key(self, attempt: int) -> str:
        """What the trainer of that attempt said, beside its account."""
        return f"{self.prefix}logs/attempt-{attempt}.log"
