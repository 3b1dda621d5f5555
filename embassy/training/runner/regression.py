"""Regression: the model learns a number for each prompt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch.nn.functional import mse_loss
from transformers import EvalPrediction

from embassy.training.examples.heads import HeadExample, tokenize_prompts
from embassy.training.examples.rows import read_rows
from embassy.training.runner import models
from embassy.training.runner.heads import Head, Metrics, train_head
from embassy.training.runner.preflight import check_rows
from embassy.training.runner.run import Run
from embassy.training.runner.stages import start


@dataclass(frozen=True)
class Scale:
    """The head learns (value - mean) / deviation; both come from the training rows alone."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: npt.NDArray[np.float64]) -> Scale:
        return cls(float(values.mean()), float(values.std()) or 1.0)

    def shrink(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        return ((values - self.mean) / self.deviation).astype(np.float32).reshape(-1, 1)


def train(run: Run) -> None:
    """Train as the run's spec says."""
    spec, longest = run.spec, run.spec.parameters.max_length
    began = start(run)
    tokenizer = models.load_tokenizer(spec)
    rows, eval_rows = check_rows(
        run,
        began.hardware,
        list(tokenize_prompts(tokenizer, read_rows(spec.data.train), longest, problem)),
        list(tokenize_prompts(tokenizer, read_rows(spec.data.eval), longest, problem)),
    )
    scale = Scale.of(numbers(rows))
    head = Head(
        outputs=1,
        problem_type="regression",
        metadata={"problem_type": "regression", "mean": scale.mean, "deviation": scale.deviation},
        loss=mse_loss,
        metrics=make_metrics(scale),
    )
    train_head(
        run,
        began,
        tokenizer,
        head,
        (rows, scale.shrink(numbers(rows))),
        (eval_rows, scale.shrink(numbers(eval_rows))),
    )


def problem(answer: str) -> str | None:
    """Why an answer is no number to learn, or None."""
    try:
        return None if math.isfinite(float(answer)) else "no_number"
    except ValueError:
        return "no_number"


def numbers(examples: Sequence[HeadExample]) -> npt.NDArray[np.float64]:
    return np.asarray([float(example.answer) for example in examples], dtype=np.float64)


def make_metrics(scale: Scale) -> Metrics:
    """Errors in the unit of the data, and the share of the variance that is explained."""

    def measure(prediction: EvalPrediction) -> dict[str, float]:
        errors = (prediction.predictions - prediction.label_ids).ravel() * scale.deviation
        spread = prediction.label_ids.ravel() * scale.deviation
        variance = float(((spread - spread.mean()) ** 2).mean())
        squared = float((errors**2).mean())
        return {
            "mean_absolute_error": float(np.abs(errors).mean()),
            "root_mean_squared_error": math.sqrt(squared),
            "r2": 1 - squared / variance if variance else 0.0,
        }

    return measure
