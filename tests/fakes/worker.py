"""A worker of trainings and engines, with the stand-ins: `celery -A tests.fakes.worker`."""

import django

from embassy.workers.celery import app

django.setup()

from embassy.deployments import testing  # noqa: E402
from embassy.engines import supervisor as engines  # noqa: E402
from embassy.training.supervisor import merger, trainer  # noqa: E402
from tests.fakes.checkpoint_server import SumServer  # noqa: E402

__all__ = ["app"]

engines.PROGRAM = "tests.fakes.engine"
engines.ROUTES_S = 0.1
merger.PROGRAM = "tests.fakes.merger"
trainer.PROGRAM = "tests.fakes.trainer"
testing.EngineCheckpointServer = SumServer  # type: ignore[misc,assignment]
