from embassy.training.models.checkpoint import Checkpoint, TestResult
from embassy.training.models.history import JobEvent, LossPoint
from embassy.training.models.job import TrainingJob
from embassy.training.models.merge import Merge
from embassy.training.models.usage import TrainingUsage

__all__ = ["Checkpoint", "JobEvent", "LossPoint", "Merge", "TestResult", "TrainingJob", "TrainingUsage"]
