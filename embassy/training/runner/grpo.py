"""Group relative policy optimization: the model samples answers and learns from how they are rewarded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import Any, cast

from datasets import Dataset
from torch.utils.data import Sampler
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from embassy.training.examples.prompts import Prompt, read_prompts
from embassy.training.examples.rows import read_rows
from embassy.training.runner import base_reward, models
from embassy.training.runner.arguments import common_arguments
from embassy.training.runner.compact import score_only_labels
from embassy.training.runner.exports import Exporter
from embassy.training.runner.failures import RunnerError
from embassy.training.runner.generation import generation_arguments
from embassy.training.runner.parity import TextReferences
from embassy.training.runner.preflight import Preflight, examine
from embassy.training.runner.quiet import Quiet
from embassy.training.runner.rewards import Rewards
from embassy.training.runner.run import Run
from embassy.training.runner.stages import Start, fit, start
from embassy.training.spec import EndCode, GrpoParameters

_PATIENCE = 5


def train(run: Run) -> None:
    """Train as the run's spec says."""
    spec, parameters = run.spec, cast(GrpoParameters, run.spec.parameters)
    began = start(run)
    score_only_labels()
    tokenizer = models.load_tokenizer(spec)
    models.require_chat_template(tokenizer)
    longest = parameters.max_length - parameters.max_completion_length
    found = examine(
        run,
        began.hardware,
        list(read_prompts(tokenizer, read_rows(spec.data.train), longest)),
        list(read_prompts(tokenizer, read_rows(spec.data.eval), longest)),
        epoch_steps=lambda count: count // prompts_per_step(parameters),
    )
    rows, eval_rows = found.rows, found.eval_rows
    with closing(Rewards(run)) as rewards:
        trainer = make_ready(run, began, tokenizer, rewards, found)
        facts = {
            "rows": len(rows),
            "eval_rows": len(eval_rows),
            "rewards": dict(zip(names(run), rewards.weights, strict=True)),
        }
        exporter = Exporter(run, began.hardware, tokenizer, facts, references=TextReferences(spec, tokenizer))
        fit(run, trainer, exporter, began.checkpoint, lambda: {"samples": rewards.samples})


def make_ready(run: Run, began: Start, tokenizer: Any, rewards: Rewards, found: Preflight[Prompt]) -> Any:
    """The trainer, once the preflight has told how its start is rewarded; what goes on has told it before."""
    wanted, measured = prompts_per_step(cast(GrpoParameters, run.spec.parameters)), None
    try:
        if len(found.rows) < wanted:
            raise too_few(len(found.rows), wanted)
        trainer = make_trainer(run, began, tokenizer, rewards, found.rows, found.eval_rows)
        if began.checkpoint is None:
            measured = base_reward.measure(trainer, found.rows, rewards.weights, wanted)
    finally:
        found.tell(base_reward=measured and asdict(measured))
    if measured:
        base_reward.warn_of(run, measured)
    return trainer


def too_few(rows: int, wanted: int) -> RunnerError:
    return RunnerError(
        EndCode.INVALID_DATA,
        f"Each step samples answers to {wanted} prompts, and the dataset has only {rows}. "
        "Add rows, or use smaller batches.",
    )


def make_trainer(
    run: Run,
    began: Start,
    tokenizer: Any,
    rewards: Rewards,
    rows: Sequence[Prompt],
    eval_rows: Sequence[Prompt],
) -> Any:
    spec, parameters = run.spec, cast(GrpoParameters, run.spec.parameters)
    trainer = _Trainer(
        **starting_model(run, began),
        reward_funcs=rewards.functions(),
        args=GRPOConfig(
            **common_arguments(spec, began.hardware, evaluates=bool(eval_rows)),
            reward_weights=rewards.weights,
            num_generations=parameters.num_generations,
            num_generations_eval=1,
            max_completion_length=parameters.max_completion_length,
            temperature=parameters.temperature,
            top_p=parameters.top_p,
            beta=parameters.beta,
            epsilon=parameters.epsilon,
            epsilon_high=parameters.epsilon_high,
            loss_type=parameters.loss_type,
            scale_rewards=parameters.scale_rewards,
            mask_truncated_completions=parameters.mask_truncated_completions,
            **generation_arguments(parameters, began.hardware),
        ),
        train_dataset=as_dataset(rows),
        eval_dataset=as_dataset(eval_rows) if eval_rows else None,
        processing_class=tokenizer,
    )
    trainer.add_callback(Signal(run))
    return trainer


def starting_model(run: Run, began: Start) -> dict[str, Any]:
    """The model with the adapter to train.

    With beta above zero TRL holds a copy of an adapter that it is given as the reference. A new adapter
    needs none, since without it the model is the reference: then TRL itself makes the adapter.
    """
    spec = run.spec
    model = models.load_causal_model(spec, began.hardware)
    if spec.adapter or spec.parameters.full_fine_tuning:
        return {"model": models.adapt(model, spec)}
    return {"model": model, "peft_config": models.lora_config(spec.parameters)}


def as_dataset(prompts: Sequence[Prompt]) -> Dataset:
    return Dataset.from_dict(
        {
            "prompt": [prompt.conversation for prompt in prompts],
            "input_text": [prompt.input_text for prompt in prompts],
            "expected_output": [prompt.expected for prompt in prompts],
        }
    )


def prompts_per_step(parameters: GrpoParameters) -> int:
    return parameters.completions_per_step // parameters.num_generations


def names(run: Run) -> list[str]:
    return [reward.name for reward in run.spec.rewards]


class Signal(TrainerCallback):  # type: ignore[misc] # transformers ships no types
    """Warns once if the rewards tell the answers of a prompt never apart: then nothing is learned."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._silent = 0

    def on_log(self, *_: Any, logs: dict[str, Any] | None = None, **__: Any) -> None:
        if not logs or "frac_reward_zero_std" not in logs:
            return
        self._silent = self._silent + 1 if logs["frac_reward_zero_std"] == 1 else 0
        if self._silent == _PATIENCE:
            self._run.warn(
                "no_reward_signal",
                f"In {_PATIENCE} reports in a row all answers to a prompt were rewarded alike: nothing was "
                "learned. Teach the task by SFT first, or use a reward that tells better answers from worse.",
            )


class _Trainer(Quiet, GRPOTrainer):  # type: ignore[misc] # TRL ships no types
    def _get_train_sampler(self, dataset: Any = None) -> Any:
        return EpochOrder(super()._get_train_sampler(dataset))


class EpochOrder(Sampler):  # type: ignore[misc] # mypy does not follow torch
    """The order of each epoch follows from the seed and the epoch alone.

    The library's sampler draws one order after the other, so that a resumed run would meet the first again.
    """

    def __init__(self, sampler: Any) -> None:
        self._sampler = sampler

    def set_epoch(self, epoch: int) -> None:
        """The training loop calls it before each epoch."""
        self._sampler.generator.manual_seed(self._sampler.seed + epoch)

    def __iter__(self) -> Iterator[int]:
        return iter(self._sampler)

    def __len__(self) -> int:
        return len(self._sampler)
