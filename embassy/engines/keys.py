"""Which engine serves what: the columns that tell one automatic engine from another. Pure."""

from dataclasses import dataclass
from typing import Any

from embassy.engines.command import RANK_RUNGS, rank_rung
from embassy.engines.models.engine import EngineKind
from embassy.platform.errors import InvalidInput

KINDS = {
    "text-generation": EngineKind.GENERATE,
    "classification": EngineKind.CLASSIFY,
    "regression": EngineKind.CLASSIFY,
    "embedding": EngineKind.EMBED,
}


@dataclass(frozen=True)
class Archive:
    """Weights in storage: a `tar` of an adapter's or a merged model's folder, and its SHA-256."""

    key: str
    sha256: str


@dataclass(frozen=True)
class EngineKey:
    """`max_model_len` is in tokens; a `rank` of 0 means an engine that takes no adapters."""

    base_model: str
    kind: str
    dtype: str
    max_model_len: int
    rank: int
    archive_key: str = ""

    def columns(self) -> dict[str, Any]:
        return {
            "base_model": self.base_model,
            "kind": self.kind,
            "dtype": self.dtype,
            "max_model_len": self.max_model_len,
            "rank": self.rank,
            "archive_key": self.archive_key,
        }


def kind_of(task_type: str) -> EngineKind:
    """Raises InvalidInput for a task that nothing serves."""
    if task_type not in KINDS:
        raise InvalidInput(f"Nothing serves {task_type!r}. Known tasks: {', '.join(KINDS)}.")
    return KINDS[task_type]


def rung(rank: int) -> int:
    """The lowest rung that takes an adapter of this rank; raises InvalidInput above the highest."""
    step = rank_rung(rank)
    if step is None:
        raise InvalidInput(
            f"An adapter of rank {rank} cannot be served: the highest rank is {RANK_RUNGS[-1]}."
        )
    return step


def rank_for(kind: EngineKind, adapter_rank: int, *, merged: bool) -> int:
    """An embedding engine without adapters needs no room for them; the others are shared with adapters."""
    if merged or (kind == EngineKind.EMBED and adapter_rank == 0):
        return 0
    return rung(adapter_rank)
