"""What can be had of a checkpoint. Reads only."""

import hashlib
from dataclasses import dataclass

from embassy.training.evidence import as_bytes, evidence_of
from embassy.training.model_card import render
from embassy.training.models import Checkpoint, Merge


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """`kind` is adapter, model, merged or evidence. `key` is where it is stored; None: not, or not yet."""

    kind: str
    state: str
    filename: str
    reason: str = ""
    size_bytes: int | None = None
    sha256: str | None = None
    key: str | None = None


def artifacts_of(checkpoint: Checkpoint) -> list[Artifact]:
    """Its weights, the merged model if anybody asked for it, and its evidence."""
    merge = Merge.objects.filter(checkpoint=checkpoint).first()
    merged = [] if merge is None else [merged_model(checkpoint, merge)]
    return [weights(checkpoint), *merged, _evidence(checkpoint)]


def weights(checkpoint: Checkpoint) -> Artifact:
    """What training left: an adapter, or a whole model."""
    return Artifact(
        kind="model" if checkpoint.merged else "adapter",
        state="ready",
        filename=f"{_stem(checkpoint)}.tar.gz",
        size_bytes=checkpoint.size_bytes,
        sha256=checkpoint.sha256,
        key=checkpoint.archive_key,
    )


def merged_model(checkpoint: Checkpoint, merge: Merge) -> Artifact:
    return Artifact(
        kind="merged",
        state=merge.status,
        reason=merge.reason,
        filename=f"{_stem(checkpoint)}-merged.tar.gz",
        size_bytes=merge.size_bytes,
        sha256=merge.sha256 or None,
        key=merge.archive_key or None,
    )


def model_card(checkpoint: Checkpoint) -> str | None:
    """The README that lies in its archive, as Markdown; None where the facts for it were not kept."""
    return render(checkpoint.evidence) if "technique" in checkpoint.evidence else None


def card_filename(checkpoint: Checkpoint) -> str:
    return f"{_stem(checkpoint)}-README.md"


def evidence_filename(checkpoint: Checkpoint) -> str:
    return f"{_stem(checkpoint)}-evidence.json"


def _evidence(checkpoint: Checkpoint) -> Artifact:
    content = as_bytes(evidence_of(checkpoint))
    return Artifact(
        kind="evidence",
        state="ready",
        filename=evidence_filename(checkpoint),
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _stem(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.job.name}-checkpoint-{checkpoint.number}"
