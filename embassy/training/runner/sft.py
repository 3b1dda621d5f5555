"""Supervised fine-tuning on conversations: the model learns to give the assistant's turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from embassy.training.examples.chat import Example, tokenize_rows
from embassy.training.examples.rows import read_rows
from embassy.training.runner import models
from embassy.training.runner.arguments import common_arguments
from embassy.training.runner.columns import token_lists
from embassy.training.runner.compact import score_only_labels
from embassy.training.runner.exports import Exporter
from embassy.training.runner.losses import focal_loss
from embassy.training.runner.parity import TextReferences
from embassy.training.runner.preflight import check_rows
from embassy.training.runner.quiet import Quiet
from embassy.training.runner.run import Run
from embassy.training.runner.stages import fit, start
from embassy.training.spec import SftParameters


def train(run: Run) -> None:
    """Train as the run's spec says."""
    spec, parameters = run.spec, cast(SftParameters, run.spec.parameters)
    began = start(run)
    score_only_labels()
    tokenizer = models.load_tokenizer(spec)
    models.require_chat_template(tokenizer)
    rows, eval_rows = check_rows(
        run,
        began.hardware,
        list(tokenize_rows(tokenizer, read_rows(spec.data.train), parameters.max_length)),
        list(tokenize_rows(tokenizer, read_rows(spec.data.eval), parameters.max_length)),
    )
    trainer = _Trainer(
        model=models.adapt(models.load_causal_model(spec, began.hardware), spec),
        args=SFTConfig(
            **common_arguments(spec, began.hardware, evaluates=bool(eval_rows)),
            max_length=parameters.max_length,
            neftune_noise_alpha=parameters.neftune_noise_alpha,
            dataset_kwargs={"skip_prepare_dataset": True},
        ),
        train_dataset=as_dataset(rows),
        eval_dataset=as_dataset(eval_rows) if eval_rows else None,
        processing_class=tokenizer,
    )
    trainer.focal = parameters.dynamic_loss
    facts = {"rows": len(rows), "eval_rows": len(eval_rows)}
    references = TextReferences(spec, tokenizer)
    exporter = Exporter(run, began.hardware, tokenizer, facts, references=references)
    fit(run, trainer, exporter, began.checkpoint)


def as_dataset(examples: Sequence[Example]) -> Dataset:
    return token_lists(
        input_ids=[example.ids for example in examples], labels=[example.labels for example in examples]
    )


class _Trainer(Quiet, SFTTrainer):  # type: ignore[misc] # TRL ships no types
    focal = False

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        if not self.focal:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        outputs = model(**inputs, use_cache=False, fused_lm_head=True)
        loss = focal_loss(outputs.log_probs, outputs.label_mask, num_items_in_batch)
        loss = loss * self.shares(num_items_in_batch)
        return (loss, outputs) if return_outputs else loss
