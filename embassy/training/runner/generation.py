"""Who samples the answers that GRPO learns from: transformers, or vLLM beside the model on the same GPU."""

from __future__ import annotations

from typing import Any

from trl.import_utils import is_vllm_available

from embassy.training.runner.failures import RunnerError
from embassy.training.runner.hardware import Hardware
from embassy.training.spec import EndCode, GrpoParameters

_NOT_ON_CPU = (
    "vLLM cannot sample answers while a model is trained on a CPU: there it repacks the weights as it loads "
    "them, and cannot take the trained ones over. Set generation to transformers or auto."
)
_NOT_INSTALLED = "vLLM is not installed beside the trainer. Install it, or set generation to transformers."


def generation_arguments(parameters: GrpoParameters, hardware: Hardware) -> dict[str, Any]:
    """Keyword arguments of the trainer's configuration. Raises RunnerError if vLLM is asked for in vain."""
    if not uses_vllm(parameters, hardware, available=is_vllm_available()):
        return {"use_vllm": False}
    return {
        "use_vllm": True,
        "vllm_mode": "colocate",  # in this process: each of several has an engine of its own
        "vllm_gpu_memory_utilization": parameters.vllm_memory_share,
        "vllm_max_model_length": parameters.max_length,
        "vllm_tensor_parallel_size": 1,
    }


def uses_vllm(parameters: GrpoParameters, hardware: Hardware, *, available: bool) -> bool:
    """Raises RunnerError if vLLM is asked for by name and cannot be had."""
    can = hardware.cuda and available and not parameters.load_in_4bit
    if parameters.generation == "vllm" and not can:
        raise RunnerError(EndCode.INVALID_SPEC, _NOT_INSTALLED if hardware.cuda else _NOT_ON_CPU)
    return can and parameters.generation != "transformers"
