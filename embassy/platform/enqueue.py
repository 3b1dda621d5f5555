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
    "datasets.purge",
    "projects.purge",
}


def enqueue(task: str, *arguments: Any) -> None:
    if task not in NAMES:
        raise LookupError(f"{task} is not a known task: add it to embassy.platform.enqueue.NAMES")
    transaction.on_commit(lambda: publish(task, *arguments))


def publish(task: str, *arguments: Any) -> None:
    try:
        app.send_task(task, args=arguments, queue=queue_of(task), retry=True, retry_policy={"max_retries": 1})
    except OperationalError as error:
        log.warning("wakeup.lost", extra=fields(task=task, error=type(error).__name__))
