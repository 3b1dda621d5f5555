"""How a run can end other than well."""

from embassy.training.records import Fenced
from embassy.training.states import JobStatus

__all__ = ["Crashed", "Ended", "Fenced", "ShuttingDown"]


class ShuttingDown(Exception):
    """This worker was told to stop; the job is fine and goes back to the queue."""


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
