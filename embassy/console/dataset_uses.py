"""What was made of a data set."""

from django.db.models import Q, QuerySet

from embassy.datasets.models import Dataset
from embassy.training.models import TrainingJob


def jobs_trained_on(dataset: Dataset, limit: int = 20) -> "QuerySet[TrainingJob, TrainingJob]":
    """The newest jobs that learned from it, or were tested on it."""
    uses = Q(train_dataset=dataset) | Q(test_dataset=dataset)
    return TrainingJob.objects.filter(uses).order_by("-id")[:limit]
