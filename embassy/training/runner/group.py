"""The processes of a run as a group that computes together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist

from embassy.training.runner.ranks import Ranks
from embassy.training.spec import TrainingSpec

# While the first process exports a checkpoint the others wait in their next step. A process that dies is
# noticed by the launcher, not by this.
_PATIENCE = timedelta(hours=2)

T = TypeVar("T")


def join(spec: TrainingSpec, ranks: Ranks, *, cuda: bool) -> None:
    """Meet the other processes. They find one another by a file: nothing listens beyond this host."""
    if not ranks.several or dist.is_initialized():
        return
    dist.init_process_group(
        "cuda:nccl,cpu:gloo" if cuda else "gloo",
        store=dist.FileStore(str(_meeting_place(spec)), ranks.count),
        rank=ranks.number,
        world_size=ranks.count,
        timeout=_PATIENCE,
    )


def wait_for_all() -> None:
    """Returns once every process has come here."""
    if dist.is_initialized():
        dist.barrier()


def first_then_others(ranks: Ranks, act: Callable[[], T]) -> T:
    """What `act` gives: the first process does it before the others do."""
    if ranks.first:
        result = act()
        wait_for_all()
        return result
    wait_for_all()
    return act()


def as_first(decision: bool) -> bool:
    """The first process's decision: what hangs on a clock or a signal must not differ between processes."""
    if not dist.is_initialized():
        return decision
    shared = torch.tensor([decision], dtype=torch.uint8)
    dist.broadcast(shared, src=0)
    return bool(shared.item())


def _meeting_place(spec: TrainingSpec) -> Path:
    return Path(spec.run_dir) / f".meeting-{spec.attempt}"
