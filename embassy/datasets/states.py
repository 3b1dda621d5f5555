"""The states of what is done in the background with files of rows."""

from django.db import models

from embassy.platform.states import StateMachine


class WorkStatus(models.TextChoices):
    UPLOADING = "uploading"  # parts of the file are still to come
    WAITING = "waiting"  # for a worker
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"  # the file is no dataset; there is a report
    FAILED = "failed"  # given up; who asks again starts it anew


WORK = StateMachine(
    {
        WorkStatus.UPLOADING: frozenset({WorkStatus.WAITING.value}),
        WorkStatus.WAITING: frozenset({WorkStatus.RUNNING.value}),
        WorkStatus.RUNNING: frozenset(
            {
                WorkStatus.WAITING.value,
                WorkStatus.DONE.value,
                WorkStatus.REFUSED.value,
                WorkStatus.FAILED.value,
            }
        ),
        WorkStatus.DONE: frozenset(),
        WorkStatus.REFUSED: frozenset(),
        WorkStatus.FAILED: frozenset({WorkStatus.WAITING.value}),
    }
)
ACTIVE = (WorkStatus.WAITING, WorkStatus.RUNNING)
