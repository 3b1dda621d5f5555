"""Going on from a checkpoint: what an attempt that was killed owes its successor."""

from __future__ import annotations

from pathlib import Path

from transformers import TrainerState

from embassy.training.runner.callback import announce, checkpoint_of
from embassy.training.runner.exports import Exporter
from embassy.training.runner.run import Run

_NOT_METRICS = ("epoch", "step", "learning_rate", "grad_norm", "num_tokens")


def announce_again(run: Run, exporter: Exporter, folder: Path) -> None:
    """Announce the checkpoint once more, and export it if the earlier attempt died before it had.

    Only the newest can have gone unannounced: the loop goes on after each announcement, not before.
    """
    state = TrainerState.load_from_json(str(folder / "trainer_state.json"))
    announce(run, exporter, checkpoint_of(folder, state, _metrics(state)))


def _metrics(state: TrainerState) -> dict[str, float]:
    """The latest value of each metric in the checkpoint's own history."""
    latest: dict[str, float] = {}
    for entry in state.log_history:
        latest |= {key: value for key, value in entry.items() if key not in _NOT_METRICS}
    return latest
