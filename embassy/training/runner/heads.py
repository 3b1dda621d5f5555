"""What classification and regression share: a language model whose last token is read by a trained head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from peft import TaskType
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForSequenceClassification, EvalPrediction, Trainer, TrainingArguments

from embassy.training.examples.heads import HeadExample
from embassy.training.runner import models
from embassy.training.runner.arguments import common_arguments
from embassy.training.runner.exports import Exporter, write_json
from embassy.training.runner.parity import HeadReferences
from embassy.training.runner.quiet import Quiet
from embassy.training.runner.run import Run
from embassy.training.runner.stages import Start, fit
from embassy.training.spec import TrainingSpec

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Metrics = Callable[[EvalPrediction], dict[str, float]]


@dataclass(frozen=True)
class Head:
    """What the head gives and how it learns; `metadata` is what serving needs to read its outputs."""

    outputs: int
    problem_type: str
    metadata: dict[str, Any]
    loss: Loss
    metrics: Metrics


def train_head(
    run: Run,
    began: Start,
    tokenizer: Any,
    head: Head,
    train: tuple[Sequence[HeadExample], Any],
    evaluation: tuple[Sequence[HeadExample], Any],
) -> None:
    """Train the head with the model under it; each part of the data is its examples and their targets."""
    spec = run.spec

    def load(spec: TrainingSpec, path: str | None = None) -> Any:
        return load_whole(spec, head, tokenizer, path)

    trainer = HeadTrainer(
        model=load_model(spec, began, head, tokenizer),
        args=TrainingArguments(
            **common_arguments(spec, began.hardware, evaluates=bool(evaluation[0])),
            label_names=["labels"],
            remove_unused_columns=False,
        ),
        train_dataset=as_dataset(*train),
        eval_dataset=as_dataset(*evaluation) if evaluation[0] else None,
        data_collator=Collator(tokenizer.pad_token_id),
        processing_class=tokenizer,
        compute_metrics=head.metrics,
    )
    trainer.head_loss = head.loss
    exporter = Exporter(
        run,
        began.hardware,
        tokenizer,
        {"rows": len(train[0]), "eval_rows": len(evaluation[0]), "metadata": head.metadata},
        write_extras=lambda folder: write_json(folder / "metadata.json", head.metadata),
        load_whole=load,
        references=HeadReferences(spec, tokenizer),
    )
    fit(run, trainer, exporter, began.checkpoint)


def load_model(spec: TrainingSpec, began: Start, head: Head, tokenizer: Any) -> Any:
    """The base model under a new head, with what is trained."""
    options = models.load_options(spec, began.hardware)
    if "quantization_config" in options:
        options["quantization_config"].llm_int8_skip_modules = list(_HEAD_NAMES)
    model = models.load_base(AutoModelForSequenceClassification, spec, **options, **_shape(head))
    _settle(model, tokenizer)
    return models.adapt(model, spec, TaskType.SEQ_CLS)


def load_whole(spec: TrainingSpec, head: Head, tokenizer: Any, path: str | None = None) -> Any:
    """The same in full precision and without an adapter, from `path` or the base model: for merging."""
    model = AutoModelForSequenceClassification.from_pretrained(
        path or spec.base.path,
        dtype=torch.float32,
        local_files_only=True,
        use_safetensors=True,
        **_shape(head),
    )
    _settle(model, tokenizer)
    return model


def as_dataset(examples: Sequence[HeadExample], targets: Any) -> Dataset:
    return Dataset.from_dict({"input_ids": [example.ids for example in examples], "labels": targets})


_HEAD_NAMES = ("score", "classifier")


def _shape(head: Head) -> dict[str, Any]:
    labels = head.metadata.get("labels") or [str(index) for index in range(head.outputs)]
    return {
        "num_labels": head.outputs,
        "problem_type": head.problem_type,
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
    }


def _settle(model: Any, tokenizer: Any) -> None:
    model.config.pad_token_id = tokenizer.pad_token_id
    model.config.use_cache = False


@dataclass(frozen=True)
class Collator:
    """Pads the rows of a batch at their end."""

    pad_token_id: int

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        ids = [torch.tensor(row["input_ids"]) for row in rows]
        return {
            "input_ids": pad_sequence(ids, batch_first=True, padding_value=self.pad_token_id),
            "attention_mask": pad_sequence([torch.ones_like(row) for row in ids], batch_first=True),
            "labels": torch.tensor([row["labels"] for row in rows]),
        }


class HeadTrainer(Quiet, Trainer):  # type: ignore[misc] # transformers ships no types
    loss_is_scaled_for_ga = False
    head_loss: Loss
    _tokens = 0

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        labels = inputs.pop("labels")
        logits = model(**inputs).logits.float()
        loss = self.head_loss(logits, labels.to(logits.device))
        if model.training:
            self._tokens += int(inputs["attention_mask"].sum())
        return (loss, {"logits": logits}) if return_outputs else loss

    def log(self, logs: dict[str, float], *arguments: Any) -> None:
        if self.model.training:
            logs["num_tokens"] = self._tokens * self.args.world_size  # the others' rows are as long, about
        super().log(logs, *arguments)
