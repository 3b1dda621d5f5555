"""Send a wake-up by task name, after the transaction has committed.

Domain code names tasks and never imports them. A wake-up that is lost (the broker is down, a worker
dies with it) costs time, not work: the reconciler publishes waiting rows again.
"""

import logging
from typing import Any

from django.db import transaction
from kombu.exceptions import OperationalError

from embassy.platform.broker import app, queue_of
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

NAMES: set[str] = {
    "training.run",
    "training.merge",
    "training.purge",
    "engines.run",
    "engines.changed",
    "deployments.reconcile",
    "datasets.check",
    "datasets.analyse",
    "datasets.purge",
    "files.purge",
    "projects.purge",
}


def enqueue(task: str, *arguments: Any, queue: str | None = None) -> None:
    """`queue` is another one than the task's own."""
    if task not in NAMES:
        raise LookupError(f"{task} is not a known task: add it to embassy.platform.enqueue.NAMES")
    transaction.on_commit(lambda: publish(task, *arguments, queue=queue))


def publish(task: str, *arguments: Any, queue: str | None = None) -> None:
    queue = queue or queue_of(task)
    try:
        app.send_task(task, args=arguments, queue=queue, retry=True, retry_policy={"max_retries": 1})
    except OperationalError as error:
        log.warning("wakeup.lost", extra=fields(task=task, error=type(error).__name__))
