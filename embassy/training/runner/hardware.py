"""What this machine can do, and what the run uses of it."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from embassy.training import host
from embassy.training.footprint import TINY_PARAMETERS
from embassy.training.runner.failures import RunnerError
from embassy.training.runner.ranks import Ranks
from embassy.training.spec import EndCode, TrainingSpec

_MAX_THREADS = 8
_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "tokenizers", "bitsandbytes")


@dataclass(frozen=True)
class Hardware:
    """`bf16` is whether the run computes in bfloat16; `tiny` whether the model is too small to share out."""

    cuda: bool
    bf16: bool
    tiny: bool
    threads: int

    @property
    def device(self) -> str:
        return "cuda" if self.cuda else "cpu"


def choose_hardware(spec: TrainingSpec, parameters: int, ranks: Ranks) -> Hardware:
    """Settle device, precision and threads for a model of so many parameters, and apply the threads.

    Raises RunnerError if the spec asks for a device that is not there.
    """
    if not ranks.several:
        show_one_device()
    cuda = spec.device != "cpu" and torch.cuda.is_available()
    if spec.device == "cuda" and not cuda:
        raise RunnerError(EndCode.DEVICE_UNAVAILABLE, "The job asks for a GPU, and this host has none free.")
    if cuda:
        take_device(ranks)
    elif spec.parameters.sharding == "fsdp_offload":
        raise RunnerError(
            EndCode.INVALID_SPEC, "There is no GPU whose part of the model could move out. Use sharding fsdp."
        )
    tiny = parameters < TINY_PARAMETERS
    cores = max(1, len(os.sched_getaffinity(0)) // ranks.count)
    threads = spec.threads or (1 if tiny else min(_MAX_THREADS, cores))
    torch.set_num_threads(threads)
    bf16 = spec.precision == "bf16" or (spec.precision == "auto" and _has_bf16(cuda))
    return Hardware(cuda=cuda, bf16=bf16, tiny=tiny, threads=threads)


def show_one_device() -> None:
    """Before CUDA is asked for the first time: the training library splits batches over all GPUs it sees."""
    os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]


def take_device(ranks: Ranks) -> None:
    """Use one GPU, this process's own, for all that follows. Raises RunnerError if there are too few."""
    if ranks.count > torch.cuda.device_count():
        raise RunnerError(
            EndCode.DEVICE_UNAVAILABLE,
            f"The job asks for {ranks.count} GPUs, and this host has {torch.cuda.device_count()} free. "
            "Lower num_processes.",
        )
    torch.cuda.set_device(ranks.number)
    # Multiplications of fp32 numbers on the tensor cores (TF32): several times faster, close enough to train.
    torch.set_float32_matmul_precision("high")


def describe(hardware: Hardware) -> dict[str, Any]:
    """The facts for the `started` event; memory in bytes."""
    return {
        "versions": versions(),
        "device": torch.cuda.get_device_name() if hardware.cuda else "cpu",
        "precision": "bf16" if hardware.bf16 else "fp32",
        "threads": hardware.threads,
        "cores": host.cores(),
        "memory_total": _memory_total(hardware.cuda),
        "memory_available": available_memory(hardware.cuda),
        "pid": os.getpid(),
    }


def versions() -> dict[str, str]:
    return {name: version(name) for name in _PACKAGES}


def rss() -> int:
    """Resident memory of this process in bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def available_memory(cuda: bool) -> int:
    """Bytes that the run may still take: on the GPU, else on the host or in its control group."""
    if cuda:
        return int(torch.cuda.mem_get_info()[0])
    return host.memory_available()


def _memory_total(cuda: bool) -> int:
    return int(torch.cuda.mem_get_info()[1]) if cuda else host.memory_total()


def _has_bf16(cuda: bool) -> bool:
    if cuda:
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return host.cpu_has_bf16()
