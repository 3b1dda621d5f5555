"""Checks an adapter against its base before an engine loads it.

vLLM refuses some adapters that it cannot serve, but answers "loaded" for others and then serves garbage:
those of a base with a smaller hidden size or vocabulary or more layers, and parts that it leaves out. Pure
but for reading two configs and the headers of the safetensors files.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embassy.engines.command import MAX_CLASS_LABELS, EngineKind
from embassy.engines.safetensors import Tensor, UnreadableTensorsError, read_folder, read_header
from embassy.platform.errors import InvalidInput

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"

_TASK_TYPES: dict[EngineKind, set[str | None]] = {
    "generate": {"CAUSAL_LM", None},
    "classify": {"SEQ_CLS"},
    "embed": {"FEATURE_EXTRACTION", None},
}
_HEADS = frozenset({"score", "classifier"})
_FLOATS = frozenset({"F32", "F16", "BF16"})

# Of PEFT's settings these describe a plain LoRA or how it was trained; engines serve it whatever they say.
_HARMLESS = frozenset(
    {
        *("peft_type", "task_type", "peft_version", "auto_mapping", "base_model_name_or_path", "revision"),
        *("inference_mode", "r", "lora_alpha", "lora_dropout", "rank_pattern", "alpha_pattern", "use_rslora"),
        *("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "modules_to_save"),
        *(
            "megatron_config",
            "megatron_core",
            "loftq_config",
            "eva_config",
            "lora_ga_config",
            "runtime_config",
        ),
        *("qalora_group_size", "bias", "init_lora_weights", "ensure_weight_tying"),
    }
)
# These only choose the first weights; all other names change the base as well.
_HARMLESS_INITS = frozenset({"gaussian", "eva", "orthogonal", "mica", "lora_ga"})

_NAMES = {
    "use_dora": "DoRA",
    "fan_in_fan_out": "transposed layers (fan_in_fan_out)",
    "trainable_token_indices": "trained token embeddings",
    "layer_replication": "repeated layers",
    "alora_invocation_tokens": "activated LoRA",
    "target_parameters": "single parameters as targets",
}

_LORA = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<half>[AB])\.weight")
_HEAD = re.compile(r"base_model\.model\.(score|classifier)\.(?P<part>weight|bias)")


class AdapterRejected(InvalidInput):
    """No engine may load this adapter; the message says why and what to do."""

    code = "adapter_rejected"


@dataclass(frozen=True)
class AdapterFacts:
    """What an engine must offer for the adapter: rank, and labels if it classifies. `modules` is a count."""

    rank: int
    labels: int | None
    modules: int


def check_adapter(
    adapter: Path, base: Path, *, kind: EngineKind, max_rank: int, targets: Collection[str]
) -> AdapterFacts:
    """The facts of an adapter that an engine of this kind, rank and targets can serve on this base.

    Raises AdapterRejected.
    """
    config = _read_config(adapter)
    _check_config(config, kind)
    rank = _check_rank(config, max_rank)
    tensors = _read_tensors(adapter)
    loras, head = _sort(tensors, kind)
    _check_shapes(loras, _read_base(base), targets=targets, rank=rank)
    labels = _check_head(head, base) if kind == "classify" else None
    return AdapterFacts(rank=rank, labels=labels, modules=len(loras))


def _read_config(adapter: Path) -> dict[str, Any]:
    try:
        config = json.loads((adapter / CONFIG).read_text())
    except FileNotFoundError:
        raise AdapterRejected(f"The adapter has no {CONFIG}; upload it with the weights.") from None
    except (OSError, ValueError) as error:
        raise AdapterRejected(f"The adapter's {CONFIG} cannot be read: {error}.") from error
    if not isinstance(config, dict):
        raise AdapterRejected(f"The adapter's {CONFIG} is not a JSON object.")
    return config


def _check_config(config: Mapping[str, Any], kind: EngineKind) -> None:
    if config.get("peft_type") != "LORA":
        raise AdapterRejected(f"Only LoRA adapters can be served, not {config.get('peft_type')!r}.")
    if config.get("task_type") not in _TASK_TYPES[kind]:
        raise AdapterRejected(
            f"The adapter was made for the task {config.get('task_type')!r}, which an engine of kind {kind} "
            "does not serve."
        )
    for name in sorted(config.keys() - _HARMLESS):
        if config[name]:
            raise AdapterRejected(_merge(f"The adapter uses {_NAMES.get(name, name)}"))
    if config.get("bias", "none") != "none":
        raise AdapterRejected(_merge("The adapter trains biases"))
    init = config.get("init_lora_weights", True)
    if isinstance(init, str) and init.lower() not in _HARMLESS_INITS:
        raise AdapterRejected(_merge(f"The adapter was started with {init}, which changes the base model"))
    _check_saved_modules(config.get("modules_to_save") or [], kind)


def _check_saved_modules(modules: Collection[str], kind: EngineKind) -> None:
    allowed = _HEADS if kind == "classify" else frozenset()
    if extra := sorted(set(modules) - allowed):
        raise AdapterRejected(_merge(f"The adapter replaces whole layers ({', '.join(extra)})"))


def _merge(fact: str) -> str:
    return f"{fact}, which cannot be served as an adapter. Merge it into the base model and deploy that."


def _check_rank(config: Mapping[str, Any], max_rank: int) -> int:
    ranks = [config.get("r"), *(config.get("rank_pattern") or {}).values()]
    if not all(isinstance(rank, int) and rank > 0 for rank in ranks):
        raise AdapterRejected(f"The adapter's rank must be a positive whole number, not {ranks[0]!r}.")
    rank = max(ranks)
    if rank > max_rank:
        raise AdapterRejected(
            f"The adapter's rank is {rank}; this engine takes adapters up to rank {max_rank}."
        )
    return int(rank)


def _read_tensors(adapter: Path) -> dict[str, Tensor]:
    try:
        tensors = read_header(adapter / WEIGHTS)
    except FileNotFoundError:
        raise AdapterRejected(f"The adapter has no {WEIGHTS}; other formats are not loaded.") from None
    except (OSError, UnreadableTensorsError) as error:
        raise AdapterRejected(f"The adapter's weights cannot be read: {error}.") from error
    for name, tensor in tensors.items():
        if tensor.dtype not in _FLOATS:
            raise AdapterRejected(f"The adapter's tensor {name} is of type {tensor.dtype}, not a float.")
    return tensors


def _read_base(base: Path) -> dict[str, Tensor]:
    try:
        return read_folder(base)
    except (OSError, UnreadableTensorsError) as error:
        raise AdapterRejected(f"The base model's weights cannot be read: {error}.") from error


_Loras = dict[str, dict[str, Tensor]]  # module → "A" and "B"


def _sort(tensors: Mapping[str, Tensor], kind: EngineKind) -> tuple[_Loras, dict[str, Tensor]]:
    """The LoRA halves by module, and the parts of a classification head; anything else is refused."""
    loras: _Loras = {}
    head: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if match := _LORA.fullmatch(name):
            loras.setdefault(match["module"], {})[match["half"]] = tensor
        elif kind == "classify" and (match := _HEAD.fullmatch(name)):
            head[match["part"]] = tensor
        else:
            raise AdapterRejected(_merge(f"The adapter holds {name}"))
    if not loras:
        raise AdapterRejected("The adapter holds no LoRA weights.")
    return loras, head


def _check_shapes(loras: _Loras, base: Mapping[str, Tensor], *, targets: Collection[str], rank: int) -> None:
    for module, halves in loras.items():
        if module.rsplit(".", 1)[-1] not in targets:
            raise AdapterRejected(_merge(f"The adapter changes {module}"))
        if halves.keys() != {"A", "B"}:
            raise AdapterRejected(f"The adapter lacks one half of its weights for {module}.")
        weight = _base_weight(module, base)
        if weight is None:
            raise AdapterRejected(f"The adapter changes {module}, which the base model does not have.")
        _check_shape(module, halves["A"].shape, halves["B"].shape, weight.shape, rank)


def _base_weight(module: str, base: Mapping[str, Tensor]) -> Tensor | None:
    """The weight that a module changes; checkpoints name it with or without the name of the inner model."""
    inner = module.split(".", 1)[-1]
    names = (module, f"model.{module}", f"bert.{module}", inner)
    return next((base[f"{name}.weight"] for name in names if f"{name}.weight" in base), None)


def _check_shape(
    module: str, a: tuple[int, ...], b: tuple[int, ...], weight: tuple[int, ...], rank: int
) -> None:
    if len(a) != 2 or len(b) != 2 or a[0] != b[1] or a[0] > rank:
        raise AdapterRejected(
            f"The adapter's weights for {module} have shapes {a} and {b}, not those of rank {rank}."
        )
    if (b[0], a[1]) != weight:
        raise AdapterRejected(
            f"The adapter fits a layer of {b[0]} x {a[1]} at {module}, the base model's is "
            f"{' x '.join(map(str, weight))}: it was trained on another base model."
        )


def _check_head(head: Mapping[str, Tensor], base: Path) -> int:
    weight = head.get("weight")
    if weight is None:
        raise AdapterRejected("The adapter has no classification head (score); train it as a classifier.")
    hidden = json.loads((base / "config.json").read_text())["hidden_size"]
    labels = weight.shape[0]
    if weight.shape != (labels, hidden):
        raise AdapterRejected(
            f"The adapter's head has the shape {weight.shape}; the base needs (labels, {hidden})."
        )
    if labels > MAX_CLASS_LABELS:
        raise AdapterRejected(
            _merge(f"The adapter has {labels} labels, more than the {MAX_CLASS_LABELS} of a shared engine")
        )
    return labels
