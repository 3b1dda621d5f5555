"""Checkpoint folders of the training library: which are whole, and which to go on from.

They are written in place and `trainer_state.json` comes last, so a killed run leaves a partial folder.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from embassy.training.runner.failures import RunnerError
from embassy.training.runner.run import Run
from embassy.training.spec import EndCode

_NAME = re.compile(r"checkpoint-(\d+)")
_NEEDED = ("optimizer.pt", "scheduler.pt", "rng_state.pth")


def is_complete(folder: Path) -> bool:
    """Whether a run can go on from this folder."""
    if not all((folder / name).is_file() for name in _NEEDED) or not any(folder.glob("*.safetensors")):
        return False
    try:
        json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def step_of(folder: Path) -> int:
    """The optimizer step of a checkpoint folder; -1 if it is none."""
    match = _NAME.fullmatch(folder.name)
    return int(match[1]) if match else -1


def find_all(folder: Path) -> list[Path]:
    """The checkpoint folders in `folder`, oldest first, whole or not."""
    if not folder.is_dir():
        return []
    return sorted((child for child in folder.iterdir() if step_of(child) >= 0), key=step_of)


def resume_point(run: Run) -> Path | None:
    """The checkpoint to go on from, None to start afresh; what cannot be gone on from is removed.

    Raises RunnerError if the spec names one checkpoint and that one is not whole.
    """
    clear_partial(run.spec.checkpoints_dir)
    if run.spec.resume_from is None:
        return None
    asked = Path(run.spec.resume_from)
    if step_of(asked) < 0:
        return next(reversed([child for child in find_all(asked) if is_complete(child)]), None)
    if not is_complete(asked):
        raise RunnerError(
            EndCode.RESUME_FAILED,
            f"Checkpoint {asked.name} is missing or incomplete. Resume from another, or start afresh.",
        )
    return asked


def clear_partial(folder: Path) -> None:
    """Remove the checkpoints that a killed attempt left unfinished."""
    for child in find_all(folder):
        if not is_complete(child):
            shutil.rmtree(child)
