"""The worker of the training queue, with the stand-ins: `celery -A tests.fakes.worker`."""

import django

from embassy.workers.celery import app

django.setup()

from embassy.deployments import testing  # noqa: E402
from embassy.training.supervisor import merger, trainer  # noqa: E402
from tests.fakes.checkpoint_server import SumServer  # noqa: E402

__all__ = ["app"]

merger.PROGRAM = "tests.fakes.merger"
trainer.PROGRAM = "tests.fakes.trainer"
testing.EngineCheckpointServer = SumServer  # type: ignore[misc,assignment]
