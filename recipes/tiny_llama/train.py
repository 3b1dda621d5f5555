"""The training loop."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from recipes.tiny_llama.corpus.families import documents
from recipes.tiny_llama.model import build
from recipes.tiny_llama.optimizer import Optimizers
from recipes.tiny_llama.packing import Batch, Packer
from recipes.tiny_llama.schedule import TOKENS_PER_STEP, rate_factor, row_length

logger = logging.getLogger(__name__)
DATA_SEED = 100
LEARNT_ABOVE = 0.5


@dataclass(frozen=True)
class Plan:
    """How long to train: `steps`, shortened so as to end after `minutes` of wall time (0: no limit)."""

    steps: int = 2400
    minutes: float = 0.0
    report_every: int = 25
    save_every: int = 250

    def progress(self, step: int, elapsed: float) -> float:
        """The share of the run that is done after `elapsed` seconds."""
        by_time = elapsed / (self.minutes * 60) if self.minutes else 0.0
        return max(step / self.steps, by_time)


def bf16_is_fast() -> bool:
    """Whether this processor multiplies bfloat16 natively; without that, autocast slows training down."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and any(flag in cpuinfo.read_text() for flag in ("avx512_bf16", "amx_bf16"))


def losses(model: LlamaForCausalLM, batch: Batch) -> tuple[torch.Tensor, float]:
    """The weighted loss, and the mean loss over what the assistant says and plain text."""
    ids, weights = batch
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16_is_fast()):
        logits = model(input_ids=ids).logits[:, :-1]
    each = cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    weight = weights[:, 1:].flatten()
    learnt = each.detach()[weight > LEARNT_ABOVE].mean().item()
    return (each * weight).sum() / weight.sum(), learnt


def train(
    tokenizer: PreTrainedTokenizerFast, plan: Plan, save: Callable[[LlamaForCausalLM, int], None]
) -> LlamaForCausalLM:
    """Trains from random weights, calling `save` now and then; returns the model in evaluation mode."""
    model = build(tokenizer)
    model.train()
    optimizers, packer = Optimizers(model), Packer(documents(DATA_SEED), tokenizer)
    started, step, progress = time.monotonic(), 0, 0.0
    while progress < 1.0:
        length = row_length(progress)
        loss, learnt = losses(model, packer.take(TOKENS_PER_STEP // length, length))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizers.step(rate_factor(step, progress))
        step += 1
        progress = plan.progress(step, time.monotonic() - started)
        if step % plan.report_every == 0 or progress >= 1.0:
            logger.info("step %d progress %.3f assistant loss %.3f", step, progress, learnt)
        if step % plan.save_every == 0:
            save(model, step)
    return model.eval()
