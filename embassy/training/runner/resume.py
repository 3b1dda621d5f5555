"""Going on from a checkpoint: what an attempt that was killed or paused owes its successor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerState

from embassy.training.runner.callback import announce, checkpoint_of, is_epoch_end, plain_name
from embassy.training.runner.exports import Exporter
from embassy.training.runner.run import Run

_NOT_METRICS = ("epoch", "step", "learning_rate", "grad_norm", "num_tokens")


class Belated(TrainerCallback):  # type: ignore[misc] # transformers ships no types
    """Ends the epoch that the checkpoint to go on from ended, if the earlier attempt could not.

    That is: evaluate it if that was not done, announce it once more, and export it if it is not. Only the
    newest can have gone unannounced: the loop goes on after each announcement, not before.
    """

    def __init__(self, run: Run, trainer: Any, exporter: Exporter, folder: Path) -> None:
        self._run, self._trainer, self._exporter, self._folder = run, trainer, exporter, folder

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        if not is_epoch_end(state):
            return
        if args.eval_strategy != "no" and not _is_evaluated(state):
            self._trainer.evaluate()
        announce(self._run, self._exporter, checkpoint_of(self._folder, state, _metrics(state)))


def _is_evaluated(state: TrainerState) -> bool:
    entries = (entry for entry in state.log_history if entry.get("step") == state.global_step)
    return any(name.startswith("eval_") for entry in entries for name in entry)


def _metrics(state: TrainerState) -> dict[str, float]:
    """The latest value of each metric in the checkpoint's own history."""
    latest: dict[str, float] = {}
    for entry in state.log_history:
        latest |= {plain_name(key): value for key, value in entry.items() if key not in _NOT_METRICS}
    return latest
