"""What a process needs before it can train: environment first, then the heavy imports.

The fork server sets ENVIRONMENT, calls `preload` once and forks a child for each job. The parent must stay
free of threads, of torch operations and of CUDA, or its children would inherit a broken state: import only.
"""

from __future__ import annotations

import importlib
from typing import Any

ENVIRONMENT = {
    # Two jobs whose OpenMP threads spin while they wait slow each other down more than twentyfold.
    "OMP_WAIT_POLICY": "PASSIVE",
    "OPENBLAS_NUM_THREADS": "1",  # its threads would start at import; torch has its own
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # the same for the allocator inside pyarrow
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",  # base models are local folders: a run never downloads
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
    "VLLM_NO_USAGE_STATS": "1",
}

_LIBRARIES = (
    "torch",
    "transformers",
    "datasets",
    "safetensors.torch",
    "peft",
    "bitsandbytes",
    "transformers.models.llama.modeling_llama",
    "embassy.training.runner.sft",
    "embassy.training.runner.dpo",
    "embassy.training.runner.grpo",
    "embassy.training.runner.classification",
    "embassy.training.runner.regression",
    "embassy.training.runner.embedding",
)


def preload() -> None:
    """Import everything that a training run uses."""
    hide_vllm()
    for name in _LIBRARIES:
        importlib.import_module(name)


def hide_vllm() -> None:
    """Keep TRL from importing vLLM: that takes seconds, and is of use only to GRPO on a GPU."""
    import_utils: Any = importlib.import_module("trl.import_utils")
    import_utils.is_vllm_available = _no


def hide_progress_bars() -> None:
    importlib.import_module("transformers.utils.logging").disable_progress_bar()


def _no(*_args: Any, **_kwargs: Any) -> bool:
    return False
