"""How the starting point is rewarded before it learns: what it never does cannot be rewarded, nor learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from embassy.training.examples.prompts import Prompt
from embassy.training.runner.run import Run

_MOST_PROMPTS, _FEWEST_PROMPTS = 8, 4
_NEAR_ZERO, _NEARLY_ALL = 0.02, 0.95
_EQUAL = 1e-6

T = TypeVar("T")

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BaseReward:
    """`mean` is weighted as in training; `equal_groups` the share of prompts whose answers scored alike."""

    prompts: int
    answers_per_prompt: int
    mean: float
    functions: dict[str, float]
    equal_groups: float

    @classmethod
    def of(cls, scores: dict[str, Scores], weights: Sequence[float]) -> BaseReward:
        """From each function's scores, a row for each prompt."""
        total: Scores = sum(
            (weight * values for weight, values in zip(weights, scores.values(), strict=True)),
            start=np.zeros_like(next(iter(scores.values()))),
        )
        spread = total.max(axis=1) - total.min(axis=1)
        return cls(
            prompts=total.shape[0],
            answers_per_prompt=total.shape[1],
            mean=float(total.mean()),
            functions={name: float(values.mean()) for name, values in scores.items()},
            equal_groups=float((spread <= _EQUAL).mean()),
        )


def measure(trainer: Any, prompts: Sequence[Prompt], weights: Sequence[float], per_step: int) -> BaseReward:
    """Sample answers to a few of the prompts as training will, and score them; its seed stays untouched."""
    chosen = spaced(prompts, min(_MOST_PROMPTS, max(_FEWEST_PROMPTS, per_step)))
    count = trainer.num_generations
    with undisturbed(trainer.model, trainer.args.seed):
        answers = [answer for prompt in chosen for answer in sample(trainer, prompt, count)]
    asked = [prompt for prompt in chosen for _ in range(count)]
    scores = {
        function.__name__: np.asarray(
            function(
                completions=[[{"role": "assistant", "content": answer}] for answer in answers],
                input_text=[prompt.input_text for prompt in asked],
                expected_output=[prompt.expected for prompt in asked],
            ),
            dtype=np.float64,
        ).reshape(len(chosen), count)
        for function in trainer.reward_funcs
    }
    return BaseReward.of(scores, weights)


def warn_of(run: Run, found: BaseReward) -> None:
    """Tell of a start from which rewards teach nothing."""
    sampled = f"{found.prompts * found.answers_per_prompt} answers that the model gives before training"
    if found.mean <= _NEAR_ZERO:
        run.warn(
            "base_reward_near_zero",
            f"The {sampled} earn {found.mean:.3g} on average: what is never rewarded cannot be learned from"
            " rewards. Teach the task by SFT first, or use a reward that gives part of the credit.",
        )
    elif found.equal_groups >= _NEARLY_ALL:
        run.warn(
            "base_reward_all_equal",
            f"Of the {sampled}, those to the same prompt are rewarded alike: there is nothing to choose"
            " between. Teach the task by SFT first, raise temperature, or use a reward that tells better"
            " answers from worse.",
        )


def spaced(items: Sequence[T], count: int) -> list[T]:
    """So many of them, evenly spaced; all if there are no more."""
    if len(items) <= count:
        return list(items)
    return [items[index * len(items) // count] for index in range(count)]


def sample(trainer: Any, prompt: Prompt, count: int) -> list[str]:
    tokenizer, model = trainer.processing_class, trainer.model
    asked = tokenizer(prompt.text, add_special_tokens=False, return_tensors="pt").to(model.device)
    given = model.generate(
        input_ids=asked["input_ids"],
        attention_mask=asked["attention_mask"],
        generation_config=trainer.generation_config,
        num_return_sequences=count,
        use_cache=True,
    )
    answers: list[str] = tokenizer.batch_decode(
        given[:, asked["input_ids"].shape[1] :], skip_special_tokens=True
    )
    return answers


@contextmanager
def undisturbed(model: Any, seed: int) -> Iterator[None]:
    """Leave the model's mode and every generator as they are: a resumed run does not come past here."""
    was_training = model.training
    model.eval()
    try:
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(seed)
            yield
    finally:
        model.train(was_training)
