"""The language model's head is the widest layer of a small model: spend nothing on it in vain."""

from __future__ import annotations

from typing import Any

import trl.trainer.utils


def score_only_labels() -> None:
    """Have the fused head of TRL project only the positions that have a label, on every device.

    TRL does so where it has its Triton kernels and otherwise scores prompts and padding too, which on a CPU
    is up to a third of a step. Its reason, shapes that change with each batch, does not hold for one.
    """
    trl.trainer.utils._use_triton = _yes  # noqa: SLF001 - there is no other switch


def _yes(*_: Any) -> bool:
    return True
