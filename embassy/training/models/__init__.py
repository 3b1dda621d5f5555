from embassy.training.models.checkpoint import Checkpoint, TestResult
from embassy.training.models.history import JobEvent, LossPoint
from embassy.training.models.job import TrainingJob

__all__ = ["Checkpoint", "JobEvent", "LossPoint", "TestResult", "TrainingJob"]
