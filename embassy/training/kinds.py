"""Which kinds of training there are, and what rows each needs."""

from embassy.datasets.models import Kind
from embassy.training.states import TaskType, Technique

ROWS: dict[tuple[str, str], Kind] = {
    (Technique.SFT.value, TaskType.TEXT_GENERATION.value): Kind.PROMPTS,
    (Technique.DPO.value, TaskType.TEXT_GENERATION.value): Kind.PREFERENCES,
    (Technique.GRPO.value, TaskType.TEXT_GENERATION.value): Kind.PROMPTS,
    (Technique.SFT.value, TaskType.CLASSIFICATION.value): Kind.PROMPTS,
    (Technique.SFT.value, TaskType.REGRESSION.value): Kind.PROMPTS,
    (Technique.SFT.value, TaskType.EMBEDDING.value): Kind.PAIRS,
}


def is_trainable(technique: str, task_type: str) -> bool:
    return (technique, task_type) in ROWS


def rows_needed(technique: str, task_type: str) -> Kind:
    """Raises KeyError for what is not trainable."""
    return ROWS[technique, task_type]


def usual_technique(task_type: str, rows: str) -> Technique:
    """What such rows are for, where the request does not say."""
    prefers = task_type == TaskType.TEXT_GENERATION and rows == Kind.PREFERENCES
    return Technique.DPO if prefers else Technique.SFT
