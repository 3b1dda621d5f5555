"""What `celery -A embassy.workers` loads: the application, its tasks, and how a worker's process behaves."""

import ctypes
import gc
import os
import signal
from pathlib import Path
from typing import Any

from celery import signals

from embassy.platform import shutdown
from embassy.platform.broker import app

__all__ = ["app"]

app.conf.update(include=["embassy.workers.tasks", "embassy.workers.presence"])

PR_SET_PDEATHSIG = 1


@signals.worker_before_create_process.connect
def share_memory(**_: Any) -> None:
    """Else each pool process's garbage collector copies what is loaded: 77 MB for an idle one, not 25."""
    gc.freeze()


@signals.worker_process_init.connect
def die_with_the_worker(**_: Any) -> None:
    """A pool process must not outlive a worker that was killed: its children's lease would live on."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@signals.worker_ready.connect
def tell_the_launcher(**_: Any) -> None:
    if path := os.environ.get("EMBASSY_READY_FILE"):
        Path(path).touch()


@signals.worker_shutting_down.connect
def tell_the_tasks(**_: Any) -> None:
    """Jobs and engines run for hours: their tasks end themselves, so that the warm shutdown is soon over."""
    shutdown.announce()
