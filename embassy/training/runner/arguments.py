"""The training library's arguments: every one that matters is set here, none is left to its defaults."""

from __future__ import annotations

from typing import Any

from embassy.training.runner.hardware import Hardware
from embassy.training.spec import TrainingSpec


def common_arguments(spec: TrainingSpec, hardware: Hardware, *, evaluates: bool) -> dict[str, Any]:
    """Keyword arguments for any of the libraries' configuration classes."""
    parameters = spec.parameters
    return {
        "output_dir": str(spec.checkpoints_dir),
        "learning_rate": parameters.learning_rate,
        "num_train_epochs": parameters.num_train_epochs,
        "per_device_train_batch_size": parameters.per_device_train_batch_size,
        "per_device_eval_batch_size": parameters.per_device_eval_batch_size,
        "gradient_accumulation_steps": parameters.gradient_accumulation_steps,
        "lr_scheduler_type": parameters.lr_scheduler_type,
        "warmup_steps": parameters.warmup_ratio,  # below 1 it is a share of all steps
        "weight_decay": parameters.weight_decay,
        "max_grad_norm": parameters.max_grad_norm,
        "gradient_checkpointing": parameters.gradient_checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "seed": parameters.seed,
        "data_seed": parameters.seed,
        "use_cpu": not hardware.cuda,
        "bf16": hardware.bf16,
        "fp16": False,
        "eval_strategy": "epoch" if evaluates else "no",
        "save_strategy": "epoch",
        "save_total_limit": 2,  # exports stay; these only serve to go on after a crash
        "logging_strategy": "no",  # the progress callback decides
        "logging_nan_inf_filter": False,  # it would hide a loss that is not a number
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": hardware.cuda,
        "optim": "adamw_torch_fused",
        "ddp_find_unused_parameters": False,
    }
