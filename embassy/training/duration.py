"""How long a training step should take, where nothing was measured. Pure; a rule of thumb, often off by two.

Operations are counted as in Kaplan et al., "Scaling Laws for Neural Language Models" (2020): two for each
parameter and token forward, four backward. An adapter needs no gradients of the base's weights, which saves
two of these; checkpointing goes forward twice.
"""

from __future__ import annotations

from embassy.training.footprint import Load, is_tiny
from embassy.training.model_shape import ModelShape
from embassy.training.spec import GrpoParameters, Technique

# Operations a second in training, about a third of what the makers promise. For CPUs: of one core, measured.
_GPUS = {
    "B200": 700e12,
    "H200": 330e12,
    "H100": 330e12,
    "A100": 110e12,
    "L40": 60e12,
    "4090": 55e12,
    "A10": 40e12,
    "L4": 40e12,
    "T4": 20e12,
    "V100": 35e12,
}
_OTHER_GPU = 40e12
_CORE_FP32, _CORE_BF16 = 0.05e12, 0.1e12
_MOST_CORES = 8
# Of each step, whatever its size: the library's own work.
_FIXED_SECONDS = 0.05


def seconds_per_step(shape: ModelShape, load: Load, *, tokens: float, device: str, cores: int) -> float:
    """For an optimizer step that reads so many tokens on a device of that name, or so many cores."""
    work = shape.parameters * tokens * _operations(load)
    return work / _rate(shape, load, device, cores) + _FIXED_SECONDS


def _operations(load: Load) -> float:
    parameters = load.parameters
    training = 6.0 if parameters.full_fine_tuning else 4.0
    again = 2.0 if parameters.gradient_checkpointing else 0.0
    return training + again + _extra(load)


def _extra(load: Load) -> float:
    """GRPO samples, a token at a time, which uses the device badly; DPO asks the start once."""
    if isinstance(load.parameters, GrpoParameters):
        return 2.0 + 20.0 * load.parameters.max_completion_length / max(1, load.longest)
    return 2.0 / load.parameters.num_train_epochs if load.technique is Technique.DPO else 0.0


def _rate(shape: ModelShape, load: Load, device: str, cores: int) -> float:
    if load.cuda:
        return next((rate for name, rate in _GPUS.items() if name in device), _OTHER_GPU)
    used = 1 if is_tiny(shape) else min(_MOST_CORES, cores)
    return used * (_CORE_BF16 if load.bf16 else _CORE_FP32)
