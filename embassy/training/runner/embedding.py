"""Embedding: the model learns to give texts that are alike vectors that are close."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from datasets import Dataset
from peft import PeftModel, TaskType, set_peft_model_state_dict
from safetensors.torch import load_file
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
    losses,
)
from sentence_transformers.evaluation import EmbeddingSimilarityEvaluator
from sentence_transformers.training_args import BatchSamplers

from embassy.training.examples.pairs import Pair, Scale, read_pairs
from embassy.training.examples.rows import read_rows
from embassy.training.runner import models
from embassy.training.runner.arguments import common_arguments
from embassy.training.runner.exports import Checkpoint, Exporter, write_json
from embassy.training.runner.failures import RunnerError
from embassy.training.runner.hardware import Hardware
from embassy.training.runner.parity import VectorReferences
from embassy.training.runner.preflight import check_rows
from embassy.training.runner.quiet import Quiet
from embassy.training.runner.run import Run
from embassy.training.runner.stages import fit, start
from embassy.training.spec import EmbeddingParameters, EndCode, TrainingSpec

ALIKE = 0.5  # pairs with at least this score count as alike where a loss knows only alike and not


def train(run: Run) -> None:
    """Train as the run's spec says."""
    spec, parameters = run.spec, cast(EmbeddingParameters, run.spec.parameters)
    began = start(run)
    model = load(spec, began.hardware)
    model.max_seq_length = min(parameters.max_length, model.max_seq_length or parameters.max_length)
    rows, eval_rows = read_data(run, began.hardware, model)
    model[0].model = models.adapt(
        model[0].model, spec, TaskType.FEATURE_EXTRACTION, exclude_modules=["pooler.dense"]
    )
    trainer = _Trainer(
        model=model,
        args=SentenceTransformerTrainingArguments(
            **{
                **common_arguments(spec, began.hardware, evaluates=bool(eval_rows)),
                "ddp_find_unused_parameters": parameters.full_fine_tuning,  # the pooler that is not asked
            },
            batch_sampler=sampler(parameters),
        ),
        train_dataset=as_dataset(rows, parameters),
        eval_dataset=as_dataset(eval_rows, parameters) if eval_rows else None,
        loss=make_loss(model, parameters),
        evaluator=make_evaluator(eval_rows, parameters) if len(eval_rows) > 1 else None,
    )
    metadata = {
        "dimension": model.get_embedding_dimension(),
        "max_length": model.max_seq_length,
        "similarity": "cosine",
    }
    exporter = Exporter(
        run,
        began.hardware,
        model.tokenizer,
        {"rows": len(rows), "eval_rows": len(eval_rows), "metadata": metadata},
        write_extras=lambda folder: write_json(folder / "metadata.json", metadata),
        write_model=lambda checkpoint, folder: write_whole(spec, began.hardware, checkpoint, folder),
        references=VectorReferences(spec, model.tokenizer, model.max_seq_length),
    )
    fit(run, trainer, exporter, began.checkpoint)


def load(spec: TrainingSpec, hardware: Hardware, path: str | None = None) -> Any:
    """The base model, or that in `path`, with its pooling. Raises RunnerError if it cannot be loaded."""
    try:
        return SentenceTransformer(
            path or spec.base.path, device=hardware.device, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise models.unreadable(spec, error) from error


def read_data(run: Run, hardware: Hardware, model: Any) -> tuple[list[Pair], list[Pair]]:
    """The pairs to train on and to evaluate with, their scores as the losses want them."""
    data, limit = run.spec.data, model.max_seq_length
    rows, eval_rows = check_rows(
        run,
        hardware,
        list(read_pairs(model.tokenizer, read_rows(data.train), limit)),
        list(read_pairs(model.tokenizer, read_rows(data.eval), limit)),
    )
    scale = Scale.of([pair.score for pair in [*rows, *eval_rows]])
    if not scale.is_identity:
        run.warn(
            "scores_scaled",
            f"Scores from {scale.low:g} to {scale.high:g} were spread over 0 to 1, which the loss expects.",
        )
    return _scaled(rows, scale), _scaled(eval_rows, scale)


def as_dataset(pairs: Sequence[Pair], parameters: EmbeddingParameters) -> Dataset:
    """The columns that the loss takes, in the order in which it takes them.

    Raises RunnerError if the loss learns from alike pairs and there is none.
    """
    if parameters.loss == "multiple_negatives":
        pairs = [pair for pair in pairs if pair.score >= ALIKE]
        if not pairs:
            raise RunnerError(
                EndCode.NO_TRAINABLE_ROWS,
                f"The loss multiple_negatives learns from pairs of a score of {ALIKE} or more, and there are "
                "none. Add some, or use the loss cosine.",
            )
    columns: dict[str, Any] = {
        "text1": [pair.first for pair in pairs],
        "text2": [pair.second for pair in pairs],
    }
    if parameters.loss == "contrastive":
        columns["label"] = [int(pair.score >= ALIKE) for pair in pairs]
    elif parameters.loss != "multiple_negatives":
        columns["score"] = [pair.score for pair in pairs]
    return Dataset.from_dict(columns)


def make_loss(model: Any, parameters: EmbeddingParameters) -> Any:
    kinds = {
        "cosine": losses.CosineSimilarityLoss,
        "cosent": losses.CoSENTLoss,
        "multiple_negatives": losses.MultipleNegativesRankingLoss,
        "contrastive": losses.OnlineContrastiveLoss,
    }
    return kinds[parameters.loss](model)


def sampler(parameters: EmbeddingParameters) -> BatchSamplers:
    """With multiple negatives every other text of a batch is a wrong answer: none may occur twice."""
    if parameters.loss == "multiple_negatives":
        return BatchSamplers.NO_DUPLICATES
    return BatchSamplers.BATCH_SAMPLER


def make_evaluator(pairs: Sequence[Pair], parameters: EmbeddingParameters) -> Any:
    """Measures how well similarity follows the scores."""
    return EmbeddingSimilarityEvaluator(
        sentences1=[pair.first for pair in pairs],
        sentences2=[pair.second for pair in pairs],
        scores=[pair.score for pair in pairs],
        batch_size=parameters.per_device_eval_batch_size,
        main_similarity="cosine",
        similarity_fn_names=["cosine"],
        write_csv=False,
    )


def write_whole(spec: TrainingSpec, hardware: Hardware, checkpoint: Checkpoint, folder: Path) -> None:
    """Write the model with its adapter merged, and what it takes to pool its vectors."""
    model = load(spec, hardware)
    if spec.parameters.full_fine_tuning:
        model[0].model = load(spec, hardware, str(checkpoint.folder))[0].model
    else:
        if spec.adapter:
            model[0].model = models.load_adapter(model[0].model, Path(spec.adapter)).merge_and_unload()
        model[0].model = models.load_adapter(model[0].model, checkpoint.folder).merge_and_unload()
    model.save_pretrained(str(folder), create_model_card=False)


def _scaled(pairs: Sequence[Pair], scale: Scale) -> list[Pair]:
    return [replace(pair, score=scale.apply(pair.score)) for pair in pairs]


class _Trainer(Quiet, SentenceTransformerTrainer):  # type: ignore[misc] # it ships no types that mypy follows
    _tokens = 0

    def compute_loss(self, model: Any, inputs: Any, *arguments: Any, **options: Any) -> Any:
        if model.training:
            masks = [value for name, value in inputs.items() if name.endswith("attention_mask")]
            self._tokens += sum(int(mask.sum()) for mask in masks)
        return super().compute_loss(model, inputs, *arguments, **options)

    def log(self, logs: dict[str, float], *arguments: Any) -> None:
        if self.model.training:
            logs["num_tokens"] = self._tokens * self.args.world_size  # the others' rows are as long, about
        super().log(logs, *arguments)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """The model without a model card, which takes seconds to write; exports carry evidence instead."""
        folder = output_dir or self.args.output_dir
        os.makedirs(folder, exist_ok=True)
        self.model.save_pretrained(folder, create_model_card=False)

    def _load_from_checkpoint(self, checkpoint_path: str) -> None:
        inner = self.model[0].model
        if isinstance(inner, PeftModel):
            set_peft_model_state_dict(inner, load_file(Path(checkpoint_path) / "adapter_model.safetensors"))
        else:
            super()._load_from_checkpoint(checkpoint_path)
