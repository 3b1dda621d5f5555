"""Pure: from what an engine should be to the arguments and environment of `embassy.engines.server`."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

EngineKind = Literal["generate", "classify", "embed"]
Device = Literal["cpu", "cuda"]

PROGRAM = "embassy.engines.server"
SERVED_NAME = "base"

# vLLM pads every adapter to the engine's rank, and each token pays for the padding: few rungs, far apart.
RANK_RUNGS = (16, 64, 256)

# The linear layers of Llama-like models. Named one by one, because two prompts with prompt_logprobs in one
# batch crash a CPU engine whose lm_head takes adapters.
CAUSAL_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
BERT_TARGETS = ("query", "key", "value", "dense")

MAX_CLASS_LABELS = 64

# What one engine holds: adapters of deployments, and besides them those that are tested for a short time.
MAX_ADAPTERS = 64
GUESTS = 8


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """One engine. Lengths are tokens, sizes bytes, times seconds.

    `folder` is the engine's own: start it there and delete the folder afterwards. `max_model_len` None is
    the model's own limit. `kv_cache_bytes` None leaves the size to vLLM, and that only a GPU stands: on a CPU
    it takes 92 % of the memory. `lora_targets` must name what adapters for this base may change.
    """

    model: Path
    kind: EngineKind
    device: Device
    dtype: str
    max_model_len: int | None
    folder: Path
    cache: Path  # kept between engines: vLLM remembers there what it learned of an architecture
    host: str
    port: int
    api_key: str = field(repr=False)
    lora: bool = True
    lora_targets: tuple[str, ...] = CAUSAL_TARGETS
    max_lora_rank: int = RANK_RUNGS[0]
    max_loras: int = 4
    max_cpu_loras: int = MAX_ADAPTERS + GUESTS
    kv_cache_bytes: int | None = None
    gpu_memory_utilization: float = 0.9
    tensor_parallel_size: int = 1
    can_sleep: bool = False  # a GPU's memory may be given back while nobody uses the engine
    gpus: tuple[int, ...] = ()  # indices of those that it may see; none: all
    chat_template: Path | None = None
    max_queued_requests: int = 256
    shutdown_timeout_s: int = 30
    threads: int = 1


@dataclass(frozen=True)
class Command:
    """Arguments and environment for `start_child(program=PROGRAM, …)`."""

    argv: list[str]
    env: dict[str, str] = field(repr=False)


def engine_command(options: EngineOptions) -> Command:
    """The command line and environment of an engine; raises ValueError for options that cannot be."""
    _check(options)
    argv = [*_server(options), *_model(options), *_memory(options), *_lora(options), *_kind(options)]
    return Command(argv=argv, env=_environment(options))


def rank_rung(rank: int) -> int | None:
    """The smallest rung that holds adapters of this rank; None when there is none."""
    return next((rung for rung in RANK_RUNGS if rung >= rank), None)


def _check(options: EngineOptions) -> None:
    if options.lora and options.max_lora_rank not in RANK_RUNGS:
        raise ValueError(f"max_lora_rank must be one of {RANK_RUNGS}, not {options.max_lora_rank}")
    if options.device == "cpu" and options.kv_cache_bytes is None:
        raise ValueError("an engine on a CPU needs kv_cache_bytes; without it vLLM takes nearly all memory")
    if options.device == "cpu" and options.can_sleep:
        raise ValueError("an engine on a CPU cannot sleep: vLLM would keep all its memory")
    if options.device == "cpu" and options.tensor_parallel_size != 1:
        raise ValueError("an engine on a CPU cannot be split over devices")
    if not options.api_key:
        raise ValueError("an engine needs an api_key")


def _server(options: EngineOptions) -> list[str]:
    return [
        *("--host", options.host),
        *("--port", str(options.port)),
        *("--middleware", "embassy.engines.server.guard.RequireKey"),
        *("--shutdown-timeout", str(options.shutdown_timeout_s)),
        *("--max-num-queued-reqs", str(options.max_queued_requests)),
        "--disable-uvicorn-access-log",
    ]


def _model(options: EngineOptions) -> list[str]:
    argv = ["--model", str(options.model), "--served-model-name", SERVED_NAME, "--dtype", options.dtype]
    if options.max_model_len is not None:
        argv += ["--max-model-len", str(options.max_model_len)]
    return argv


def _memory(options: EngineOptions) -> list[str]:
    argv = []
    if options.kv_cache_bytes is not None:
        argv += ["--kv-cache-memory-bytes", str(options.kv_cache_bytes)]
    if options.device == "cpu":
        argv += ["--enforce-eager"]
    if options.device == "cuda":
        argv += ["--gpu-memory-utilization", str(options.gpu_memory_utilization)]
        argv += ["--tensor-parallel-size", str(options.tensor_parallel_size)]
        # Its calls are in server/control.py; vLLM's own would come with others that are dangerous.
        argv += ["--enable-sleep-mode"] if options.can_sleep else []
    return argv


def _lora(options: EngineOptions) -> list[str]:
    if not options.lora:
        return []
    argv = [
        "--enable-lora",
        "--max-loras",
        str(options.max_loras),
        "--max-lora-rank",
        str(options.max_lora_rank),
    ]
    # As many as there can be: vLLM reads an adapter that it dropped from disk again, and dies if it is gone.
    argv += ["--max-cpu-loras", str(options.max_cpu_loras)]
    if options.lora_targets:
        argv += ["--lora-target-modules", *options.lora_targets]
    if options.kind == "classify":
        argv += ["--max-lora-cls-labels", str(MAX_CLASS_LABELS)]
    return argv


def _kind(options: EngineOptions) -> list[str]:
    if options.kind == "embed":
        return ["--runner", "pooling"]
    if options.kind == "classify":
        # A full classifier brings its own head; for adapters vLLM puts a head on a plain language model.
        return ["--runner", "pooling", *(["--convert", "classify"] if options.lora else [])]
    template = [] if options.chat_template is None else ["--chat-template", str(options.chat_template)]
    return [*template, *_structure()]


def _structure() -> list[str]:
    outputs = {"backend": "xgrammar", "disable_any_whitespace": True}
    return [
        *("--structured-outputs-config", json.dumps(outputs)),
        "--enable-auto-tool-choice",
        *("--tool-call-parser", "hermes"),
        *("--tool-strict-level", "parameter"),
    ]


def _environment(options: EngineOptions) -> dict[str, str]:
    return {
        "EMBASSY_ENGINE_KEY": options.api_key,
        "OMP_NUM_THREADS": str(options.threads),
        "TMPDIR": str(options.folder),
        "VLLM_CACHE_ROOT": str(options.cache),
        **({"CUDA_VISIBLE_DEVICES": ",".join(map(str, options.gpus))} if options.gpus else {}),
    }
