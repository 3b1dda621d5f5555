"""Muon for the hidden matrices, AdamW for embeddings and norms."""

from collections.abc import Iterable

import torch
from torch import nn

MUON_RATE = 0.02
ADAM_RATE = 3e-3


class Optimizers:
    """Both optimizers as one."""

    def __init__(self, model: nn.Module) -> None:
        hidden: list[nn.Parameter] = []
        others: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            matrix = parameter.ndim == 2 and "embed_tokens" not in name
            (hidden if matrix else others).append(parameter)
        muon = torch.optim.Muon(
            hidden, lr=MUON_RATE, momentum=0.95, weight_decay=0.01, adjust_lr_fn="original"
        )
        adam = torch.optim.AdamW(others, lr=ADAM_RATE, betas=(0.9, 0.95))
        self._all: Iterable[tuple[torch.optim.Optimizer, float]] = ((muon, MUON_RATE), (adam, ADAM_RATE))

    def step(self, factor: float) -> None:
        """One update at `factor` of the full learning rates; clears the gradients."""
        for optimizer, rate in self._all:
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
