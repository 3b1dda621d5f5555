"""How much memory an engine is reckoned to need."""

from typing import Any

from embassy.engines.machine import parse_gpus, visible
from embassy.engines.sizing import Model, adapter_slot_bytes, gpu_cache_bytes, kv_cache_bytes, need

MIB = 1024**2
TINY = {
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "hidden_size": 256,
    "intermediate_size": 704,
}
# Llama 3.1 8B
LLAMA = {
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "hidden_size": 4096,
    "intermediate_size": 14336,
}


def model(**changes: Any) -> Model:
    values: dict[str, Any] = {
        "parameters": 3_000_000,
        "config": TINY,
        "dtype": "float32",
        "max_model_len": 1024,
        "rank": 16,
        "adapter_slots": 4,
    }
    return Model(**(values | changes))


def llama(**changes: Any) -> Model:
    values = {"parameters": 8_030_000_000, "config": LLAMA, "dtype": "bfloat16", "max_model_len": 8192}
    return model(**(values | changes))


def test_tiny_engine_takes_what_was_measured() -> None:
    """About 240 MB each, forked from a standby."""
    assert 240 * MIB < need(model()).host < 270 * MIB


def test_adapter_slots_cost_what_was_measured() -> None:
    """Four slots of rank 320 took 93 MB more than four of rank 16, 64 of rank 64 took 305 MB."""
    more = need(model(rank=320)).host - need(model(rank=16)).host
    assert 80 * MIB < more < 105 * MIB
    assert 270 * MIB < 64 * adapter_slot_bytes(model(rank=64)) < 330 * MIB


def test_weights_count_in_the_type_that_they_are_served_in() -> None:
    whole, half = need(llama(dtype="float32", rank=0)), need(llama(rank=0))
    assert whole.host - half.host > 16e9
    assert 16e9 < half.host < 26e9


def test_gpu_needs_split_between_what_is_shared_and_what_each_takes() -> None:
    found = need(llama())
    assert 16e9 < found.on_gpus(1) < 40e9
    assert found.on_gpus(2) < found.on_gpus(1) < 2 * found.on_gpus(2)
    assert found.gpu_counts() == [1, 2, 4, 8]
    assert need(llama(config=LLAMA | {"num_attention_heads": 6})).gpu_counts() == [1, 2]


def test_cache_on_gpus_is_shared_by_them() -> None:
    one = gpu_cache_bytes(LLAMA, dtype="bfloat16", max_model_len=8192, gpus=1)
    assert one == kv_cache_bytes(LLAMA, dtype="bfloat16", max_model_len=8192, sequences=16)
    assert gpu_cache_bytes(LLAMA, dtype="bfloat16", max_model_len=8192, gpus=4) == one // 4


def test_model_of_which_only_the_size_is_known_has_a_need_too() -> None:
    assert need(llama(config={})).host > 16e9
    assert need(llama(config={})).gpu_counts() == [1, 2, 4, 8]


def test_gpus_as_the_driver_lists_them() -> None:
    found = parse_gpus("0, NVIDIA H200, 143771\n1, NVIDIA H200, 143771\n")
    assert found[1] == {"index": 1, "name": "NVIDIA H200", "memory_bytes": 143771 * MIB}
    assert [gpu["index"] for gpu in visible(found, "1")] == [1]
    assert visible(found, None) == found
    assert visible(found, "") == []
