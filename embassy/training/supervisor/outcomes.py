"""How a run can end other than well."""

from typing import ClassVar

from embassy.training.records import Fenced
from embassy.training.states import JobStatus

__all__ = ["Crashed", "Ended", "Fenced", "Interrupted", "OutOfMemory", "Pausing", "ShuttingDown"]


class Interrupted(Exception):
    """The job is fine, and goes on from here another time: what it has come to must be stored first.

    `patience` is how many seconds a trainer gets to save its state.
    """

    patience: ClassVar[float]


class Pausing(Interrupted):
    """A user has paused the job."""

    patience = 300.0  # the step at hand is ended first, and there are long ones


class ShuttingDown(Interrupted):
    """This worker was told to stop."""

    patience = 10.0


class Crashed(Exception):
    """The attempt failed in a way that another one may not."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.reason, self.code = reason, code


class Ended(Exception):
    """The job is over, and another attempt would end the same way."""

    def __init__(self, target: JobStatus, reason: str, code: str) -> None:
        super().__init__(reason)
        self.target, self.reason, self.code = target, reason, code


class OutOfMemory(Exception):
    """The trainer needed more memory than there is: with smaller batches it may not."""
