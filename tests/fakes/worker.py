"""The worker of the training queue, with the stand-ins: `celery -A tests.fakes.worker`."""

from embassy.deployments import testing
from embassy.training.supervisor import trainer
from embassy.workers.celery import app
from tests.fakes.checkpoint_server import SumServer

__all__ = ["app"]

trainer.PROGRAM = "tests.fakes.trainer"
testing.EngineCheckpointServer = SumServer  # type: ignore[misc,assignment]
