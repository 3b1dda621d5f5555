"""The command line of an engine."""

import json
from pathlib import Path
from typing import Any

import pytest

from embassy.engines.command import CAUSAL_TARGETS, EngineOptions, engine_command, rank_rung
from embassy.engines.sizing import kv_bytes_per_token, kv_cache_bytes

TINY = {"num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64}


def options(**changes: Any) -> EngineOptions:
    values = {
        "model": Path("/models/tiny"),
        "kind": "generate",
        "device": "cpu",
        "dtype": "float32",
        "max_model_len": 1024,
        "folder": Path("/engines/engine-1"),
        "cache": Path("/cache"),
        "host": "127.0.0.1",
        "port": 9000,
        "api_key": "secret",
        "kv_cache_bytes": 32 * 2**20,
    }
    return EngineOptions(**(values | changes))


def value(argv: list[str], flag: str) -> str:
    return argv[argv.index(flag) + 1]


def test_generate_on_cpu() -> None:
    argv = engine_command(options()).argv
    assert value(argv, "--model") == "/models/tiny"
    assert value(argv, "--served-model-name") == "base"
    assert value(argv, "--kv-cache-memory-bytes") == str(32 * 2**20)
    assert value(argv, "--max-lora-rank") == "16"
    start = argv.index("--lora-target-modules") + 1
    assert tuple(argv[start : start + 7]) == CAUSAL_TARGETS
    assert json.loads(value(argv, "--structured-outputs-config"))["backend"] == "xgrammar"
    assert "--enforce-eager" in argv
    assert "--runner" not in argv


def test_the_key_is_not_on_the_command_line() -> None:
    command = engine_command(options())
    assert not any("secret" in argument for argument in command.argv)
    assert command.env["EMBASSY_ENGINE_KEY"] == "secret"
    assert "secret" not in repr(command) + repr(options())


def test_its_folder_holds_its_temporary_files() -> None:
    env = engine_command(options(threads=3)).env
    assert env["TMPDIR"] == "/engines/engine-1"
    assert env["VLLM_CACHE_ROOT"] == "/cache"
    assert env["OMP_NUM_THREADS"] == "3"


def test_classify_shares_one_engine_between_adapters() -> None:
    argv = engine_command(options(kind="classify")).argv
    assert value(argv, "--runner") == "pooling"
    assert value(argv, "--convert") == "classify"
    assert value(argv, "--max-lora-cls-labels") == "64"
    assert "--enable-auto-tool-choice" not in argv


def test_a_full_classifier_keeps_its_own_head() -> None:
    argv = engine_command(options(kind="classify", lora=False)).argv
    assert "--convert" not in argv
    assert not any("lora" in argument for argument in argv)


def test_embed() -> None:
    argv = engine_command(options(kind="embed", lora_targets=("query",), max_model_len=None)).argv
    assert value(argv, "--runner") == "pooling"
    assert "--max-model-len" not in argv


def test_cuda_keeps_graphs_and_splits_over_devices() -> None:
    argv = engine_command(options(device="cuda", kv_cache_bytes=None, tensor_parallel_size=2)).argv
    assert "--enforce-eager" not in argv
    assert "--kv-cache-memory-bytes" not in argv
    assert value(argv, "--tensor-parallel-size") == "2"
    assert value(argv, "--gpu-memory-utilization") == "0.9"


def test_chat_template() -> None:
    argv = engine_command(options(chat_template=Path("/t.jinja"))).argv
    assert value(argv, "--chat-template") == "/t.jinja"


@pytest.mark.parametrize(
    "changes", [{"max_lora_rank": 20}, {"kv_cache_bytes": None}, {"tensor_parallel_size": 2}, {"api_key": ""}]
)
def test_options_that_cannot_be(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"engine|max_lora_rank"):
        engine_command(options(**changes))


@pytest.mark.parametrize(("rank", "rung"), [(1, 16), (16, 16), (17, 64), (256, 256), (257, None)])
def test_rungs(rank: int, rung: int | None) -> None:
    assert rank_rung(rank) == rung


def test_cache_size_grows_with_model_and_length() -> None:
    assert kv_bytes_per_token(TINY, dtype="float32") == 2 * 4 * 2 * 64 * 4
    assert kv_cache_bytes(TINY, dtype="float32", max_model_len=128) == 32 * 2**20
    long = kv_cache_bytes(TINY, dtype="float32", max_model_len=8192)
    assert long == (8192 + 128) * 8 * kv_bytes_per_token(TINY, dtype="float32")
    assert kv_cache_bytes(TINY, dtype="bfloat16", max_model_len=8192) == long // 2


def test_share_of_two_gpus() -> None:
    command = engine_command(
        options(
            device="cuda",
            kv_cache_bytes=2**30,
            gpus=(1, 3),
            tensor_parallel_size=2,
            gpu_memory_utilization=0.42,
        )
    )
    assert value(command.argv, "--tensor-parallel-size") == "2"
    assert value(command.argv, "--gpu-memory-utilization") == "0.42"
    assert value(command.argv, "--kv-cache-memory-bytes") == str(2**30)
    assert command.env["CUDA_VISIBLE_DEVICES"] == "1,3"
    assert "CUDA_VISIBLE_DEVICES" not in engine_command(options()).env
