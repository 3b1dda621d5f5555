"""Direct preference optimization: the model learns to prefer the better of two answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from datasets import Dataset
from trl import DPOConfig, DPOTrainer

from embassy.training.examples.preferences import Preference, tokenize_preferences
from embassy.training.examples.rows import read_rows
from embassy.training.runner import models
from embassy.training.runner.arguments import common_arguments
from embassy.training.runner.columns import shared, token_lists
from embassy.training.runner.compact import score_only_labels
from embassy.training.runner.exports import Exporter
from embassy.training.runner.parity import TextReferences
from embassy.training.runner.preference_metrics import heard, preference_values
from embassy.training.runner.preflight import check_rows
from embassy.training.runner.quiet import Quiet
from embassy.training.runner.run import Run
from embassy.training.runner.stages import fit, start
from embassy.training.spec import DpoParameters

_REFERENCE = "ref"


def train(run: Run) -> None:
    """Train as the run's spec says."""
    spec, parameters = run.spec, cast(DpoParameters, run.spec.parameters)
    began = start(run)
    score_only_labels()
    tokenizer = models.load_tokenizer(spec)
    models.require_chat_template(tokenizer)
    rows, eval_rows = check_rows(
        run,
        began.hardware,
        list(tokenize_preferences(tokenizer, read_rows(spec.data.train), parameters.max_length)),
        list(tokenize_preferences(tokenizer, read_rows(spec.data.eval), parameters.max_length)),
    )
    trainer = _Trainer(
        model=models.adapt(models.load_causal_model(spec, began.hardware), spec),
        args=DPOConfig(
            **common_arguments(spec, began.hardware, evaluates=bool(eval_rows)),
            max_length=parameters.max_length,
            beta=parameters.beta,
            loss_type=[parameters.loss_type],
            label_smoothing=parameters.label_smoothing,
            # What the starting point thinks of the answers never changes: ask it once, not in each epoch.
            precompute_ref_log_probs=True,
        ),
        train_dataset=shared(run, "train", as_dataset(rows)),
        eval_dataset=shared(run, "eval", as_dataset(eval_rows)) if eval_rows else None,
        processing_class=tokenizer,
    )
    forget_reference(trainer.model)
    facts = {"rows": len(rows), "eval_rows": len(eval_rows)}
    references = TextReferences(spec, tokenizer)
    exporter = Exporter(run, began.hardware, tokenizer, facts, references=references)
    fit(run, trainer, exporter, began.checkpoint)


def as_dataset(preferences: Sequence[Preference]) -> Dataset:
    return token_lists(
        prompt_ids=[preference.prompt for preference in preferences],
        chosen_ids=[preference.chosen for preference in preferences],
        rejected_ids=[preference.rejected for preference in preferences],
    )


def forget_reference(model: Any) -> None:
    """Drop TRL's copy of the adapter: asked already, it would only be saved with each checkpoint."""
    if _REFERENCE in getattr(model, "peft_config", {}):
        model.delete_adapter(_REFERENCE)


class _Trainer(Quiet, DPOTrainer):  # type: ignore[misc] # TRL ships no types
    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset  # the rows are tokenized already

    def prediction_step(self, model: Any, inputs: Any, *arguments: Any, **options: Any) -> Any:
        """Besides TRL's metrics, which compare with the reference: what the model itself would rather say."""
        with heard(model) as outputs:
            step = super().prediction_step(model, inputs, *arguments, **options)
        before = torch.stack([inputs["ref_chosen_logps"], inputs["ref_rejected_logps"]])
        for name, values in preference_values(outputs[0].log_probs, before).items():
            gathered = self.accelerator.gather_for_metrics(values)
            self._metrics["eval"][name].extend(gathered.tolist())  # one for each row: batches differ in size
        return step
