"""How a run is to be started, and what accelerate is told to start several processes of one.

Precision and device are not here: each process finds out what it runs on. accelerate's name for processes
that its launcher starts is MULTI_GPU, on a CPU too (its MULTI_CPU leaves the starting to MPI).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from embassy.training.spec import GrpoParameters, Parameters, TrainingSpec

PROGRAM = "embassy.training.runner.launcher"
RUNNER = "embassy.training.runner"

# The processes meet by a file. accelerate's usual way is a port that listens on every interface.
_MEETING = ("--rdzv_backend", "c10d", "--rdzv_conf", "store_type=file")


def may_be_forked(spec: TrainingSpec, *, has_gpu: bool) -> bool:
    """Whether the standby will do: it has left vLLM out, once for all its children."""
    return not wants_vllm(spec.parameters, has_gpu=has_gpu)


def wants_vllm(parameters: Parameters, *, has_gpu: bool) -> bool:
    """Whether vLLM is to sample answers, if it can be had."""
    if not isinstance(parameters, GrpoParameters) or parameters.load_in_4bit:
        return False
    return parameters.generation == "vllm" or (parameters.generation == "auto" and has_gpu)


def has_gpu() -> bool:
    """Whether this host has an NVIDIA driver that runs; nothing is loaded to find out."""
    return Path("/dev/nvidiactl").exists()


def devices() -> int:
    """For how many processes this host has a device each: its GPUs, or its cores if it has none."""
    gpus = [path for path in Path("/dev").glob("nvidia*") if path.name.removeprefix("nvidia").isdecimal()]
    return len(gpus) or len(os.sched_getaffinity(0))


def config(parameters: Parameters) -> str:
    """The text of accelerate's configuration file."""
    settings: dict[str, Any] = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "MULTI_GPU" if parameters.sharding == "none" else "FSDP",
        "num_machines": 1,
        "num_processes": parameters.num_processes,
        "machine_rank": 0,
        "main_process_ip": "127.0.0.1",
        "main_process_port": 0,
        "mixed_precision": "no",
        "use_cpu": False,
        "debug": False,
    }
    if parameters.sharding != "none":
        settings["fsdp_config"] = _fsdp(parameters)
    return json.dumps(settings, indent=2) + "\n"


def _fsdp(parameters: Parameters) -> dict[str, Any]:
    return {
        "fsdp_version": 2,
        # By the layers that the model's own class names as such.
        "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "fsdp_reshard_after_forward": True,
        "fsdp_offload_params": parameters.sharding == "fsdp_offload",
        "fsdp_cpu_ram_efficient_loading": True,
        "fsdp_state_dict_type": "FULL_STATE_DICT",
        "fsdp_activation_checkpointing": False,
    }


def arguments(config_file: Path, spec_file: Path) -> list[str]:
    """The arguments of `accelerate launch`."""
    return ["--config_file", str(config_file), *_MEETING, "--module", RUNNER, str(spec_file)]
