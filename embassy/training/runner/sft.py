"""Supervised fine-tuning on conversations: the model learns to give the assistant's turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pyarrow as pa
from datasets import Dataset
from transformers import PrinterCallback, set_seed
from trl import SFTConfig, SFTTrainer

from embassy.training.runner import hardware as machine
from embassy.training.runner import models
from embassy.training.runner.arguments import common_arguments
from embassy.training.runner.callback import Progress
from embassy.training.runner.chat import Example, Tokens, tokenize_rows
from embassy.training.runner.checkpoints import resume_point
from embassy.training.runner.exports import Exporter
from embassy.training.runner.losses import focal_loss
from embassy.training.runner.preflight import check_rows
from embassy.training.runner.resume import announce_again
from embassy.training.runner.rows import read_rows
from embassy.training.runner.run import Run
from embassy.training.spec import EventType, SftParameters


def train(run: Run) -> None:
    """Train as the run's spec says."""
    spec, parameters = run.spec, cast(SftParameters, run.spec.parameters)
    size = models.count_parameters(spec)
    hardware = machine.choose_hardware(spec, size)
    checkpoint = resume_point(run)
    run.emit(
        EventType.STARTED,
        resumed_from=checkpoint and str(checkpoint),
        model_parameters=size,
        **machine.describe(hardware),
    )

    tokenizer = models.load_tokenizer(spec)
    models.require_chat_template(tokenizer)
    rows, eval_rows = check_rows(
        run,
        list(tokenize_rows(tokenizer, read_rows(spec.data.train), parameters.max_length)),
        list(tokenize_rows(tokenizer, read_rows(spec.data.eval), parameters.max_length))
        if spec.data.eval
        else [],
    )

    set_seed(parameters.seed)  # before the adapter is made: its weights are random
    model = models.load_causal_model(spec, hardware, size)
    exporter = Exporter(run, hardware, tokenizer, {"rows": len(rows), "eval_rows": len(eval_rows)})
    trainer = _Trainer(
        model=model,
        args=SFTConfig(
            **common_arguments(spec, hardware, evaluates=bool(eval_rows)),
            max_length=parameters.max_length,
            neftune_noise_alpha=parameters.neftune_noise_alpha,
            dataset_kwargs={"skip_prepare_dataset": True},
        ),
        train_dataset=as_dataset(rows),
        eval_dataset=as_dataset(eval_rows) if eval_rows else None,
        processing_class=tokenizer,
        callbacks=[Progress(run, exporter)],
    )
    trainer.focal = parameters.dynamic_loss
    trainer.remove_callback(PrinterCallback)
    if checkpoint:
        announce_again(run, exporter, checkpoint)
    trainer.train(resume_from_checkpoint=checkpoint and str(checkpoint))


def as_dataset(examples: Sequence[Example]) -> Dataset:
    """The examples as two columns of token lists, without a Python object for each token."""
    return Dataset(
        pa.table(
            {
                "input_ids": _column([example.ids for example in examples]),
                "labels": _column([example.labels for example in examples]),
            }
        )
    )


def _column(values: list[Tokens]) -> Any:
    offsets = np.cumsum([0, *map(len, values)], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(values)))


class _Trainer(SFTTrainer):  # type: ignore[misc] # TRL ships no types
    focal = False

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Exports carry evidence instead."""

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        if not self.focal:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        outputs = model(**inputs, use_cache=False, fused_lm_head=True)
        loss = focal_loss(outputs.log_probs, outputs.label_mask, num_items_in_batch)
        return (loss, outputs) if return_outputs else loss
