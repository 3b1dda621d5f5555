"""The base model with what is trained on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from peft import TaskType as PeftTask
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from embassy.training.runner.failures import RunnerError
from embassy.training.runner.hardware import Hardware
from embassy.training.spec import EndCode, Parameters, TrainingSpec

Shapes = dict[str, tuple[int, ...]]
_WEIGHTS = "adapter_model.safetensors"


def load_tokenizer(spec: TrainingSpec) -> Any:
    """The base model's tokenizer, with the job's chat template where it has one."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(spec.base.path, local_files_only=True)
        if spec.chat_template:
            tokenizer.chat_template = Path(spec.chat_template).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise unreadable(spec, error) from error
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    return tokenizer


def require_chat_template(tokenizer: Any) -> None:
    if not tokenizer.chat_template:
        raise RunnerError(
            EndCode.CHAT_TEMPLATE_UNUSABLE, "The base model has no chat template. Give one with the job."
        )


def count_parameters(spec: TrainingSpec) -> int:
    """Parameters of the base model, from the headers of its weight files."""
    return sum(_product(shape) for shape in weight_shapes(spec).values())


def weight_shapes(spec: TrainingSpec) -> Shapes:
    files = sorted(Path(spec.base.path).glob("*.safetensors"))
    if not files:
        raise RunnerError(
            EndCode.BASE_MODEL_UNREADABLE,
            f"The folder of base model {spec.base.name} has no safetensors weights. Add the model again.",
        )
    try:
        return {name: shape for file in files for name, shape in read_shapes(file).items()}
    except (OSError, SafetensorError) as error:
        raise unreadable(spec, error) from error


def read_shapes(path: Path) -> Shapes:
    with safe_open(path, framework="np") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def load_causal_model(spec: TrainingSpec, hardware: Hardware) -> Any:
    """The base model as it is before training. Raises RunnerError if it cannot be loaded here."""
    options = load_options(spec, hardware)
    model = load_base(AutoModelForCausalLM, spec, **options)
    model.config.use_cache = False
    return model


def load_base(kind: Any, spec: TrainingSpec, **options: Any) -> Any:
    """The base model as a model of some kind. Raises RunnerError if it cannot be loaded here."""
    try:
        return kind.from_pretrained(spec.base.path, **options)
    except (OSError, ValueError, SafetensorError) as error:
        raise unreadable(spec, error) from error


def load_options(spec: TrainingSpec, hardware: Hardware) -> dict[str, Any]:
    compute = torch.bfloat16 if hardware.bf16 else torch.float32
    # What is trained keeps fp32 weights (autocast computes); a frozen big base can be held in bfloat16.
    frozen_in_bf16 = hardware.bf16 and not hardware.tiny and not spec.parameters.full_fine_tuning
    options: dict[str, Any] = {
        "dtype": torch.bfloat16 if frozen_in_bf16 else torch.float32,
        "local_files_only": True,
        "use_safetensors": True,
    }
    if spec.parameters.load_in_4bit:
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=compute,
            **_spread(spec, options["dtype"]),
        )
        if hardware.cuda and spec.parameters.sharding == "none":
            options["device_map"] = {"": torch.cuda.current_device()}  # quantized on the GPU of this process
    return options


def _spread(spec: TrainingSpec, dtype: torch.dtype) -> dict[str, Any]:
    """FSDP cuts only what is stored as the numbers of the rest are; whole bytes stay with each process."""
    return {} if spec.parameters.sharding == "none" else {"bnb_4bit_quant_storage": dtype}


def base_for_merging(spec: TrainingSpec, path: str | None = None) -> Any:
    """The unquantized weights of a result that is not an adapter, apart from the model in training.

    They come from `path`, or else from the base model.
    """
    return AutoModelForCausalLM.from_pretrained(
        path or spec.base.path, dtype=torch.float32, local_files_only=True, use_safetensors=True
    )


def adapt(model: Any, spec: TrainingSpec, task: PeftTask = PeftTask.CAUSAL_LM, **options: Any) -> Any:
    """Put the trained part on `model`: a new adapter, an earlier one, or nothing for full fine-tuning.

    What must become a whole model in the end starts from a whole one: an earlier adapter is merged first.
    """
    starts_anew = spec.parameters.full_fine_tuning or spec.parameters.use_dora or spec.whole
    if spec.adapter and starts_anew:
        model = load_adapter(model, Path(spec.adapter)).merge_and_unload()
    if spec.parameters.full_fine_tuning:
        return model.requires_grad_(True)
    if spec.adapter and not starts_anew:
        return load_adapter(model, Path(spec.adapter), trainable=True)
    return get_peft_model(model, lora_config(spec.parameters, task, **options))


def lora_config(parameters: Parameters, task: PeftTask = PeftTask.CAUSAL_LM, **options: Any) -> LoraConfig:
    settings: dict[str, Any] = {
        "r": parameters.lora_r,
        "lora_alpha": parameters.lora_alpha,
        "lora_dropout": parameters.lora_dropout,
        "use_dora": parameters.use_dora,
        "use_rslora": parameters.use_rslora,
        "target_modules": "all-linear",
        "task_type": task,
    }
    return LoraConfig(**{**settings, **options})


def load_adapter(model: Any, folder: Path, trainable: bool = False) -> Any:
    """Put an existing adapter on `model`. Raises RunnerError unless every weight has its place."""
    try:
        config = PeftConfig.from_pretrained(str(folder))
        weights = load_file(folder / _WEIGHTS)
        config.inference_mode = not trainable
        adapted = get_peft_model(model, config)
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise _mismatch(str(error)) from error
    expected = _shapes(get_peft_model_state_dict(adapted))
    if found := _difference(expected, _shapes(weights)):
        raise _mismatch(found)
    set_peft_model_state_dict(adapted, weights)
    return adapted


def storage_dtype(spec: TrainingSpec, hardware: Hardware) -> torch.dtype:
    """The type of exported whole models: tiny ones are served in fp32, others in the base's own type."""
    named = json.loads((Path(spec.base.path) / "config.json").read_text(encoding="utf-8"))
    name = named.get("dtype") or named.get("torch_dtype") or "float32"
    dtype = getattr(torch, name, torch.float32)
    return torch.float32 if hardware.tiny or not isinstance(dtype, torch.dtype) else dtype


def _difference(expected: Shapes, found: Shapes) -> str:
    names = sorted(expected.keys() ^ found.keys())
    if names:
        return f"weight {names[0]} is in only one of them"
    wrong = [name for name in sorted(expected) if expected[name] != found[name]]
    if not wrong:
        return ""
    return f"weight {wrong[0]} is {found[wrong[0]]}, the base model needs {expected[wrong[0]]}"


def _shapes(weights: dict[str, torch.Tensor]) -> Shapes:
    return {name: tuple(weight.shape) for name, weight in weights.items()}


def _mismatch(problem: str) -> RunnerError:
    return RunnerError(
        EndCode.ADAPTER_MISMATCH,
        f"The checkpoint to start from does not fit the base model: {problem}. Choose one trained on it.",
    )


def unreadable(spec: TrainingSpec, error: Exception) -> RunnerError:
    problem = next(iter(str(error).splitlines()), repr(error)).rstrip(".")
    return RunnerError(
        EndCode.BASE_MODEL_UNREADABLE,
        f"Base model {spec.base.name} cannot be loaded: {problem}. Add the model again.",
    )


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total
