"""How often a model holds the better answer for the likelier one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def heard(model: Any) -> Iterator[list[Any]]:
    """What `model` gives while the block runs: to look at a forward pass without paying for another."""
    outputs: list[Any] = []
    hook = model.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    try:
        yield outputs
    finally:
        hook.remove()


def preference_values(log_probs: torch.Tensor, before: torch.Tensor) -> dict[str, torch.Tensor]:
    """For each metric one value for each row.

    `log_probs` holds those of the answers' tokens (0 elsewhere), first of all better answers, then of all
    worse ones; `before` the sums of the two (two rows) as they were where training began.
    """
    better, worse = log_probs.sum(dim=1).chunk(2, dim=0)
    return {
        "preference_accuracy": (better > worse).float(),
        "preference_accuracy_before": (before[0] > before[1]).float().to(better.device),
        "preference_margin": better - worse,
    }
