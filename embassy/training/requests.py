"""What a user asks for when creating a training job, before it is checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from embassy.training.states import BaseModelOption, TaskType

HF_MODEL = "HF_MODEL"  # as base model: the one behind `hf_model_link`


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """`train_test_split_ratio` is in percent; `checkpoint` belongs to the job that `base_model` names.

    `technique` None is what the rows of the dataset are for. `reward` weighs the test functions of GRPO.
    """

    base_model: str
    train_dataset_id: str
    base_model_option: str = BaseModelOption.PRE_TRAINED
    checkpoint: int | None = None
    test_dataset_id: str | None = None
    train_test_split_ratio: float | None = None
    test_functions: tuple[str, ...] = ()
    name: str | None = None
    description: str = ""
    technique: str | None = None
    task_type: str = TaskType.TEXT_GENERATION
    parameters: Mapping[str, Any] = field(default_factory=dict)
    rebalance_data: Mapping[str, float] | None = None
    reward: Mapping[str, float] | None = None
    selection: Mapping[str, Any] | None = None  # of the best checkpoint: see selection.py
    hf_model_link: str | None = None
    time_limit_seconds: int | None = None  # of training; None: as long as the platform lets any job
