"""What a worker does with a file of rows, while somebody may look on."""

from typing import ClassVar

from django.db import models

from embassy.datasets.states import WorkStatus
from embassy.platform.models import Leased, Timestamped


class Work(Leased, Timestamped):
    """`TASK` is the name of the wake-up that takes the row's key."""

    TASK: ClassVar[str]

    status = models.CharField(max_length=16, choices=WorkStatus.choices, default=WorkStatus.WAITING)
    reason = models.TextField(blank=True)  # why it waits or came to nothing; a sentence
    failures = models.PositiveIntegerField(default=0)
    done_bytes = models.PositiveBigIntegerField(default=0)  # how far it has come
    done_rows = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True
