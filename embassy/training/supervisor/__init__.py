"""Runs one job from claim to end: the trainer's child process, then the test stage.

Everything here runs on the main thread of a worker's pool process, for as long as the job lasts.
"""

from embassy.training.supervisor.merger import run_merge
from embassy.training.supervisor.run import run_job

__all__ = ["run_job", "run_merge"]
