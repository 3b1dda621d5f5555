"""Which kinds of training there are, what rows each needs, and how it is usually scored.

A new one begins here: docs/adding-a-task-type.md.
"""

from embassy.datasets.models import Kind
from embassy.evaluation.registry import DEFAULTS
from embassy.training.states import TaskType, Technique

ROWS: dict[tuple[str, str], Kind] = {
    (Technique.SFT.value, TaskType.TEXT_GENERATION.value): Kind.PROMPTS,
    (Technique.DPO.value, TaskType.TEXT_GENERATION.value): Kind.PREFERENCES,
    (Technique.GRPO.value, TaskType.TEXT_GENERATION.value): Kind.PROMPTS,
    (Technique.SFT.value, TaskType.CLASSIFICATION.value): Kind.PROMPTS,
    (Technique.SFT.value, TaskType.REGRESSION.value): Kind.PROMPTS,
    (Technique.SFT.value, TaskType.EMBEDDING.value): Kind.PAIRS,
}

# Tasks whose model gets a head, which learns labels or numbers.
HEADS = (TaskType.CLASSIFICATION, TaskType.REGRESSION)

_USUAL_FUNCTIONS: dict[str, tuple[str, ...]] = {
    TaskType.CLASSIFICATION: ("label_match_shared",),
    # The first decides which checkpoint is the best, so it must tell errors of any size apart.
    TaskType.REGRESSION: ("absolute_error_shared", "within_ten_percent_shared"),
    TaskType.EMBEDDING: ("numeric_closeness_shared",),
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


def usual_functions(task_type: str, *, multi_label: bool) -> tuple[str, ...]:
    """What test rows are scored by if nothing is named."""
    return ("multi_label_f1_shared",) if multi_label else _USUAL_FUNCTIONS.get(task_type, DEFAULTS)
