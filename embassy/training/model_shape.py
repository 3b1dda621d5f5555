"""What a model's files say of its size, read without loading it. Pure."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MOST_HEADER_BYTES = 100_000_000
_NOT_ADAPTED = ("embed", "lm_head", "wte", "wpe", "pooler")


@dataclass(frozen=True)
class ModelShape:
    """Counts of numbers, not bytes. `linear` counts the weights of the layers that adapters are put on,
    `linear_edges` their inputs and outputs: an adapter of rank r has r times as many.

    `query` and `key_value` are the widths of attention's projections.
    """

    parameters: int
    linear: int
    linear_edges: int
    hidden: int
    intermediate: int
    layers: int
    query: int
    key_value: int
    vocabulary: int


def read_shape(folder: Path) -> ModelShape | None:
    """The shape of the model in a folder, exact where its weights are there; None without a configuration."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tensors = [shape for path in sorted(folder.glob("*.safetensors")) for shape in _tensors(path)]
    except (OSError, ValueError, struct.error):
        return None
    return shape_of(config, dict(tensors))


def shape_of(config: Mapping[str, Any], tensors: Mapping[str, tuple[int, ...]]) -> ModelShape | None:
    """From a configuration and, as far as they are known, the weights' shapes by name."""
    config = {**config, **(config.get("text_config") or {})}
    hidden, layers = int(config.get("hidden_size") or 0), int(config.get("num_hidden_layers") or 0)
    if not hidden or not layers:
        return None
    heads = int(config.get("num_attention_heads") or 1)
    head = int(config.get("head_dim") or hidden // heads)
    query, key_value = head * heads, head * int(config.get("num_key_value_heads") or heads)
    intermediate, words = (
        int(config.get("intermediate_size") or 4 * hidden),
        int(config.get("vocab_size") or 0),
    )
    linear = _linear_of(tensors) if tensors else _as_llama(hidden, intermediate, query, key_value) * layers
    embeddings = words * hidden * (1 if config.get("tie_word_embeddings") else 2)
    counted = sum(map(math.prod, tensors.values()))
    weights = sum(a * b for a, b in linear)
    return ModelShape(
        parameters=counted or weights + embeddings,
        linear=weights,
        linear_edges=sum(a + b for a, b in linear),
        hidden=hidden,
        intermediate=intermediate,
        layers=layers,
        query=query,
        key_value=key_value,
        vocabulary=words,
    )


def _as_llama(hidden: int, intermediate: int, query: int, key_value: int) -> list[tuple[int, int]]:
    """The linear layers of one block of a Llama, which most models' resemble."""
    attention = [(hidden, query), (query, hidden), *[(hidden, key_value)] * 2]
    return attention + [(hidden, intermediate)] * 3


def _linear_of(tensors: Mapping[str, tuple[int, ...]]) -> list[tuple[int, int]]:
    return [
        (shape[0], shape[1])
        for name, shape in tensors.items()
        if len(shape) == 2 and not any(part in name for part in _NOT_ADAPTED)
    ]


def _tensors(path: Path) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes from the header of a safetensors file: eight bytes of length, then JSON."""
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        if size > _MOST_HEADER_BYTES:
            raise ValueError(f"{path.name} has no safetensors header")
        header = json.loads(file.read(size))
    return [(name, tuple(entry["shape"])) for name, entry in header.items() if name != "__metadata__"]
