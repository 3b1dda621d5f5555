"""Pure: how much memory an engine's key-value cache needs, from the base model's config.json."""

from collections.abc import Mapping
from typing import Any

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_BLOCK_TOKENS = 128  # vLLM's CPU block; a sequence always takes whole blocks
_MIN_BYTES = 32 * 1024**2


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
