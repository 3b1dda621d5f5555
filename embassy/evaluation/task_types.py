"""What a model can be trained for: see docs/adding-a-task-type.md."""

from django.db import models


class TaskType(models.TextChoices):
    TEXT_GENERATION = "text-generation"
    CLASSIFICATION = "classification"
    EMBEDDING = "embedding"
    REGRESSION = "regression"
