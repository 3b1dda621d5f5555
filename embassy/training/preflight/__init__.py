"""What is known of a training job before there is one: counted, estimated, warned of. Creates nothing."""

from embassy.training.preflight.estimate import estimate
from embassy.training.preflight.result import Preflight

__all__ = ["Preflight", "estimate"]
