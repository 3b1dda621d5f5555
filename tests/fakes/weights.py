"""Models and adapters on disk that have the shapes of real ones, and zeros for numbers."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]

HIDDEN = 8
INTERMEDIATE = 16
LAYERS = 2


def write_safetensors(path: Path, shapes: Shapes, dtype: str = "F32") -> None:
    """A whole, valid file with these tensors."""
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, shape in shapes.items():
        size = 4
        for length in shape:
            size *= length
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    header = json.dumps(entries).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(offset))


def base_shapes(hidden: int = HIDDEN, layers: int = LAYERS) -> dict[str, tuple[int, ...]]:
    """A Llama's linear layers."""
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (32, hidden)}
    for layer in range(layers):
        for name in ("q_proj", "o_proj"):
            shapes[f"model.layers.{layer}.self_attn.{name}.weight"] = (hidden, hidden)
        shapes[f"model.layers.{layer}.mlp.up_proj.weight"] = (INTERMEDIATE, hidden)
    return shapes


def write_base(folder: Path, **shape: int) -> Path:
    """A base model's config and weights."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"hidden_size": shape.get("hidden", HIDDEN)}))
    write_safetensors(folder / "model.safetensors", base_shapes(**shape))
    return folder


def lora_shapes(rank: int, hidden: int = HIDDEN, layers: int = LAYERS) -> dict[str, tuple[int, ...]]:
    """LoRA halves for every linear layer of such a base."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (rows, columns) in base_shapes(hidden, layers).items():
        if "layers" in name:
            module = f"base_model.model.{name.removesuffix('.weight')}"
            shapes[f"{module}.lora_A.weight"] = (rank, columns)
            shapes[f"{module}.lora_B.weight"] = (rows, rank)
    return shapes


def lora_config(rank: int = 4, **changes: Any) -> dict[str, Any]:
    """What PEFT writes for a plain LoRA."""
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": 2 * rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "use_dora": False,
        "use_rslora": False,
        "init_lora_weights": True,
        "modules_to_save": None,
        "rank_pattern": {},
        "alpha_pattern": {},
        "loftq_config": {},
        "megatron_core": "megatron.core",
        "qalora_group_size": 16,
        "target_modules": ["q_proj", "o_proj", "up_proj"],
        "trainable_token_indices": None,
        "layer_replication": None,
        "peft_version": "0.21.2",
    }
    return config | changes


def write_adapter(folder: Path, shapes: Shapes | None = None, dtype: str = "F32", **config: Any) -> Path:
    """An adapter with this config; by default one that fits `write_base`."""
    settings = lora_config(**config)
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    tensors = lora_shapes(settings["r"]) if shapes is None else shapes
    write_safetensors(folder / "adapter_model.safetensors", tensors, dtype)
    return folder
