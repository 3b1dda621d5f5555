"""Classification: the model learns which label, or which labels, a prompt has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from transformers import EvalPrediction

from embassy.training.examples.heads import HeadExample, tokenize_prompts
from embassy.training.examples.prompts import split_row
from embassy.training.examples.rows import read_rows
from embassy.training.runner import models
from embassy.training.runner.failures import RunnerError
from embassy.training.runner.heads import Head, Loss, Metrics, train_head
from embassy.training.runner.labels import Labels, class_weights, one_hot, positive_weights, scores
from embassy.training.runner.preflight import check_rows
from embassy.training.runner.run import Run
from embassy.training.runner.stages import start
from embassy.training.spec import ClassificationParameters, EndCode


def train(run: Run) -> None:
    """Train as the run's spec says."""
    spec, parameters = run.spec, cast(ClassificationParameters, run.spec.parameters)
    began = start(run)
    tokenizer = models.load_tokenizer(spec)
    answers = (split_row(row)[1] for row in read_rows(spec.data.train))
    labels = Labels.of(spec.data.labels, answers, parameters.multi_label)
    rows, eval_rows = check_rows(
        run,
        began.hardware,
        list(tokenize_prompts(tokenizer, read_rows(spec.data.train), parameters.max_length, labels.problem)),
        list(tokenize_prompts(tokenizer, read_rows(spec.data.eval), parameters.max_length, labels.problem)),
    )
    if len(labels.names) < (1 if parameters.multi_label else 2):
        raise RunnerError(
            EndCode.INVALID_DATA,
            f"All rows have the same label, {labels.names[0]!r}: there is nothing to tell apart. Add others.",
        )
    targets = labels.targets(answers_of(rows))
    head = Head(
        outputs=len(labels.names),
        problem_type=problem_type(labels),
        metadata={
            "labels": list(labels.names),
            "multi_label": labels.multi,
            "problem_type": problem_type(labels),
            "threshold": 0.0 if labels.multi else None,  # of a label's logit: above it, the label holds
        },
        loss=make_loss(labels, targets, weighted=parameters.class_weighting),
        metrics=make_metrics(labels),
    )
    evaluation = (eval_rows, labels.targets(answers_of(eval_rows)))
    train_head(run, began, tokenizer, head, (rows, targets), evaluation)


def answers_of(examples: Sequence[HeadExample]) -> list[str]:
    return [example.answer for example in examples]


def problem_type(labels: Labels) -> str:
    return "multi_label_classification" if labels.multi else "single_label_classification"


def make_loss(labels: Labels, targets: Any, *, weighted: bool) -> Loss:
    if labels.multi:
        positive = torch.from_numpy(positive_weights(targets)) if weighted else None
        return lambda logits, actual: binary_cross_entropy_with_logits(
            logits, actual, pos_weight=_beside(positive, logits)
        )
    weights = torch.from_numpy(class_weights(targets, len(labels.names))) if weighted else None
    return lambda logits, actual: cross_entropy(logits, actual, weight=_beside(weights, logits))


def make_metrics(labels: Labels) -> Metrics:
    def measure(prediction: EvalPrediction) -> dict[str, float]:
        logits, actual = prediction.predictions, prediction.label_ids
        if labels.multi:
            return scores(logits > 0, actual.astype(bool), labels.names)
        count = len(labels.names)
        return scores(one_hot(logits.argmax(axis=1), count), one_hot(actual, count), labels.names)

    return measure


def _beside(weights: torch.Tensor | None, logits: torch.Tensor) -> torch.Tensor | None:
    return None if weights is None else weights.to(logits.device)
