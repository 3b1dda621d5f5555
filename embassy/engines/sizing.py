"""Pure: how much memory an engine needs, from the base model's config.json and its number of weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_BLOCK_TOKENS = 128  # vLLM's CPU block; a sequence always takes whole blocks
_MIN_BYTES = 32 * 1024**2

# Measured on a CPU: what an engine forked from its standby takes beside weights, cache and adapters.
_PROCESS = 200 * 1024**2
# On each GPU: the CUDA context, activations and captured graphs.
_GPU_PROCESS = 2 * 1024**3
_GPU_SEQUENCES = 16
_MOST_GPUS = 8


@dataclass(frozen=True)
class Model:
    """What memory goes by. `config` is empty where nothing is known of it yet; a rank of 0: no adapters."""

    parameters: int
    config: Mapping[str, Any]
    dtype: str
    max_model_len: int  # tokens
    rank: int
    adapter_slots: int


@dataclass(frozen=True)
class Need:
    """Bytes. `host` is taken where there are no GPUs. Of GPUs `split` is shared and `each` is taken on every.

    `heads` is what the model can be split by; 0 is not known.
    """

    host: int
    split: int
    each: int
    heads: int = 0

    def on_gpus(self, count: int) -> int:
        """Bytes on each of so many."""
        return self.each + -(-self.split // count)

    def gpu_counts(self) -> list[int]:
        """Over how many GPUs it can be split."""
        counts = [1 << power for power in range(_MOST_GPUS.bit_length())]
        return [count for count in counts if self.heads % count == 0]


def need(model: Model) -> Need:
    weights = model.parameters * _BYTES[model.dtype] + adapter_slot_bytes(model) * model.adapter_slots
    heads = int(model.config.get("num_attention_heads") or 0)
    return Need(
        host=_PROCESS + weights + _cache(model, sequences=8),
        split=weights + _cache(model, sequences=_GPU_SEQUENCES),
        each=_GPU_PROCESS,
        heads=heads,
    )


def gpu_cache_bytes(config: Mapping[str, Any], *, dtype: str, max_model_len: int, gpus: int) -> int:
    """Of the key-value cache, what lies on each of so many GPUs."""
    whole = kv_cache_bytes(config, dtype=dtype, max_model_len=max_model_len, sequences=_GPU_SEQUENCES)
    return -(-whole // gpus)


def adapter_slot_bytes(model: Model) -> int:
    """An adapter in the engine is as large as its rank allows, on all linear layers, whatever it needs."""
    config = model.config
    if not model.rank or not config.get("num_attention_heads"):
        return 0
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    size = config.get("head_dim") or hidden // heads
    query, key = heads * size, (config.get("num_key_value_heads") or heads) * size
    inner = config.get("intermediate_size") or 4 * hidden
    widths = 2 * (hidden + query) + 2 * (hidden + key) + 3 * (hidden + inner)
    return int(widths * config["num_hidden_layers"] * model.rank * _BYTES[model.dtype])


def _cache(model: Model, *, sequences: int) -> int:
    if not model.config.get("num_attention_heads"):
        return model.parameters * _BYTES[model.dtype] // 4
    return kv_cache_bytes(
        model.config, dtype=model.dtype, max_model_len=model.max_model_len, sequences=sequences
    )


def kv_cache_bytes(config: Mapping[str, Any], *, dtype: str, max_model_len: int, sequences: int = 8) -> int:
    """Bytes for this many full-length sequences at once, at least 32 MiB.

    Raises KeyError if the config is not of a transformer with `num_hidden_layers` and `num_attention_heads`.
    """
    blocks = -(-max_model_len // _BLOCK_TOKENS) + 1
    tokens = blocks * _BLOCK_TOKENS * sequences
    return max(_MIN_BYTES, tokens * kv_bytes_per_token(config, dtype=dtype))


def kv_bytes_per_token(config: Mapping[str, Any], *, dtype: str) -> int:
    """Key and value of one token in all layers, in bytes."""
    heads = config.get("num_key_value_heads") or config["num_attention_heads"]
    head_size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    return int(2 * config["num_hidden_layers"] * heads * head_size * _BYTES[dtype])
