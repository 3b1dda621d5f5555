"""Which machine a job would train on, as far as this installation knows."""

from dataclasses import dataclass
from typing import Literal

from embassy.training import host
from embassy.training.footprint import LIBRARIES
from embassy.training.models import JobEvent
from embassy.training.spec import EventType


@dataclass(frozen=True)
class TrainingHost:
    """`available` is what a trainer that has started may still take, in bytes; `cores` of the CPU."""

    source: Literal["last_training_host", "this_host"]
    device: str
    cuda: bool
    bf16: bool
    total: int
    available: int
    cores: int


def training_host() -> TrainingHost:
    """The host that trained last, as its trainer told of it; before any has, this one."""
    event = JobEvent.objects.filter(kind=EventType.STARTED).order_by("-id").first()
    told = event.data if event else {}
    if not told.get("memory_available"):
        return _this_host()
    device = str(told.get("device") or "cpu")
    return TrainingHost(
        source="last_training_host",
        device=device,
        cuda=device != "cpu",
        bf16=told.get("precision") == "bf16",
        total=int(told["memory_total"]),
        available=int(told["memory_available"]),
        cores=int(told.get("cores") or host.cores()),
    )


def _this_host() -> TrainingHost:
    return TrainingHost(
        source="this_host",
        device="cpu",
        cuda=False,
        bf16=host.cpu_has_bf16(),
        total=host.memory_total(),
        available=max(0, host.memory_available() - LIBRARIES),
        cores=host.cores(),
    )
