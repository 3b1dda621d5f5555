"""Checkpoint folders of the training library: which are whole, and which to go on from.

They are written in place and `trainer_state.json` comes last, so a killed run leaves a partial folder.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path

from embassy.training.runner.failures import RunnerError
from embassy.training.runner.run import Run
from embassy.training.spec import EndCode

_NAME = re.compile(r"checkpoint-(\d+)")


def is_complete(folder: Path, *, processes: int = 1) -> bool:
    """Whether a run of so many processes can go on from this folder."""
    if not (folder / "scheduler.pt").is_file() or not any(folder.glob("*.safetensors")):
        return False
    if not any(
        (folder / name).is_file() for name in ("optimizer.pt", "optimizer.bin")
    ):  # the latter: sharded
        return False
    if not _has_generators(folder, processes):
        return False
    try:
        json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _has_generators(folder: Path, processes: int) -> bool:
    """Several processes write one file each, and any of them may be killed while the first finishes."""
    if processes == 1:
        return (folder / "rng_state.pth").is_file()
    return all(zipfile.is_zipfile(folder / f"rng_state_{number}.pth") for number in range(processes))


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
    processes = run.ranks.count
    if run.ranks.first:
        clear_partial(run.spec.checkpoints_dir, processes=processes)
    if run.spec.resume_from is None:
        return None
    asked = Path(run.spec.resume_from)
    if step_of(asked) < 0:
        whole = [child for child in find_all(asked) if is_complete(child, processes=processes)]
        return whole[-1] if whole else None
    if not is_complete(asked, processes=processes):
        raise RunnerError(
            EndCode.RESUME_FAILED,
            f"Checkpoint {asked.name} is missing or incomplete. Resume from another, or start afresh.",
        )
    return asked


def clear_partial(folder: Path, *, processes: int = 1) -> None:
    """Remove the checkpoints that a killed attempt left unfinished."""
    for child in find_all(folder):
        if not is_complete(child, processes=processes):
            shutil.rmtree(child)
