"""Follows the training loop: reports progress, stops it, and hands each finished epoch on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from embassy.training.runner.checkpoints import is_complete, step_of
from embassy.training.runner.exports import Checkpoint, Exporter
from embassy.training.runner.group import as_first, wait_for_all
from embassy.training.runner.hardware import rss
from embassy.training.runner.limits import Stopped
from embassy.training.runner.run import Run
from embassy.training.spec import EndReason, EventType

_SMALL_RUN_STEPS = 200
_SECONDS_BETWEEN_STEPS = 0.5
_STEP_KEYS = ("loss", "learning_rate", "grad_norm", "epoch", "num_tokens")
# What the libraries call so is shown under a name that says what it is.
_PLAIN_NAMES = {"frac_reward_zero_std": "equal_groups"}
_NOT_METRICS = ("runtime", "samples_per_second", "steps_per_second", "epoch", "num_tokens")


class Progress(TrainerCallback):  # type: ignore[misc] # transformers ships no types for it
    """One for each run. The training arguments must leave logging to it: `logging_strategy="no"`.

    `extras` gives more fields for each step event.
    """

    def __init__(
        self, run: Run, exporter: Exporter, extras: Callable[[], dict[str, Any]] | None = None
    ) -> None:
        self._run = run
        self._exporter = exporter
        self._extras = extras or dict
        self._metrics: dict[str, Any] = {}
        self._steps_per_epoch = 1
        self._began = self._reported = self._saved = 0.0
        self._first_step = self._tokens = 0
        self.is_evaluating = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._steps_per_epoch = max(1, round(state.max_steps / args.num_train_epochs))
        self._first_step = state.global_step
        self._run.limits.await_pause_points()

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step == self._first_step:
            self._began = self._saved = time.monotonic()

    def on_substep_end(self, *_: Any, **__: Any) -> None:
        self._run.limits.check()

    def on_prediction_step(self, *_: Any, **__: Any) -> None:
        self.is_evaluating = True
        self._run.limits.check()
        if self._is_pause_asked():
            self._run.limits.pause_point()  # an evaluation changes nothing: see stages.save_interrupted

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._run.limits.check()
        is_paused = self._is_pause_asked()
        control.should_log = is_paused or as_first(self._is_due(state))
        # At the end of an epoch the loop saves by itself, and there it counts as finished.
        control.should_save = not is_epoch_end(state) and (is_paused or as_first(self._is_state_due()))

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._is_pause_asked() and control.should_evaluate:
            self.is_evaluating = True
            control.should_evaluate = False  # the next attempt evaluates first: see resume.Belated

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        if logs is None or "loss" not in logs:
            return
        self._report_step(state, logs)
        if not (math.isfinite(logs["loss"]) and math.isfinite(logs.get("grad_norm", 0.0))):
            raise Stopped(EndReason.NAN_LOSS)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        self.is_evaluating = False
        found = {key.removeprefix("eval_"): value for key, value in (metrics or {}).items()}
        found = {key: value for key, value in found.items() if key not in _NOT_METRICS}
        self._metrics |= {f"eval_{key}": value for key, value in found.items()}
        loss = found.pop("loss", None)
        self._run.emit(EventType.EVAL, step=state.global_step, epoch=state.epoch, loss=loss, metrics=found)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._saved = time.monotonic()
        if is_epoch_end(state) and not self.is_evaluating:
            folder = self._run.spec.checkpoints_dir / f"checkpoint-{state.global_step}"
            announce(self._run, self._exporter, checkpoint_of(folder, state, dict(self._metrics)))
        if self._is_pause_asked():
            self._run.limits.pause_point()

    def _is_pause_asked(self) -> bool:
        """As the first process knows it: it alone gets the signal, and all must act on it at one point."""
        limits = self._run.limits
        limits.pause_asked = as_first(limits.pause_asked)
        return limits.pause_asked

    def _is_due(self, state: TrainerState) -> bool:
        place = state.global_step % self._steps_per_epoch
        at_edge = place <= 1 or self._steps_per_epoch == 1
        now = time.monotonic()
        return (
            state.max_steps <= _SMALL_RUN_STEPS or at_edge or now - self._reported >= _SECONDS_BETWEEN_STEPS
        )

    def _is_state_due(self) -> bool:
        return time.monotonic() - self._saved >= self._run.spec.state_seconds

    def _report_step(self, state: TrainerState, logs: dict[str, Any]) -> None:
        now = time.monotonic()
        extra = {plain_name(key): value for key, value in logs.items() if key not in _STEP_KEYS}
        self._metrics |= {"loss": logs["loss"], **extra}
        self._run.emit(
            EventType.STEP,
            step=state.global_step,
            epoch=state.epoch,
            max_steps=state.max_steps,
            loss=logs["loss"],
            learning_rate=logs.get("learning_rate"),
            grad_norm=logs.get("grad_norm"),
            tokens_per_second=self._tokens_per_second(logs, now),
            eta_seconds=self._eta(state, now),
            rss_bytes=rss(),
            gpu_bytes=torch.cuda.max_memory_allocated() if torch.cuda.is_initialized() else None,
            progress=state.global_step / max(1, state.max_steps),
            metrics=extra,
            **self._extras(),
        )
        self._reported = now

    def _tokens_per_second(self, logs: dict[str, Any], now: float) -> float | None:
        """Since the step reported before; the counter starts anew in a resumed process, as this does."""
        if "num_tokens" not in logs:
            return None
        tokens, self._tokens = logs["num_tokens"] - self._tokens, logs["num_tokens"]
        return float(tokens / max(1e-6, now - (self._reported or self._began)))

    def _eta(self, state: TrainerState, now: float) -> float:
        done = max(1, state.global_step - self._first_step)
        return float((now - self._began) / done * (state.max_steps - state.global_step))


def is_epoch_end(state: TrainerState) -> bool:
    """Whether the last step made was the last one of an epoch."""
    return float(state.epoch or 0).is_integer()


def plain_name(metric: str) -> str:
    return _PLAIN_NAMES.get(metric, metric)


def checkpoint_of(folder: Any, state: TrainerState, metrics: dict[str, Any]) -> Checkpoint:
    """The checkpoint in `folder`; one is saved at the end of each epoch, so the epoch is its number."""
    epoch = float(state.epoch or 0)
    return Checkpoint(round(epoch), step_of(folder), epoch, folder, metrics)


def announce(run: Run, exporter: Exporter, checkpoint: Checkpoint) -> None:
    """Tell of a checkpoint, once it and its export are whole."""
    wait_for_all()  # each process writes its own part of the checkpoint
    if not run.ranks.first:
        return
    if not is_complete(checkpoint.folder, processes=run.ranks.count):
        raise RuntimeError(f"the training library left {checkpoint.folder} incomplete")
    export = exporter.path(checkpoint.number)
    if not export.is_dir():
        exporter.export(checkpoint)
    run.emit(
        EventType.CHECKPOINT,
        durable=True,
        number=checkpoint.number,
        step=checkpoint.step,
        epoch=checkpoint.epoch,
        path=str(checkpoint.folder),
        export=str(export),
        merged=exporter.merged,
        bytes=sum(child.stat().st_size for child in export.rglob("*")),
        metrics=checkpoint.metrics,
    )
