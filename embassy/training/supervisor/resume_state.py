"""The state from which any host can go on: the trainer's newest checkpoint, stored as one archive."""

import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from embassy.platform.storage import get_storage
from embassy.training.models import TrainingJob
from embassy.training.supervisor.folder import fetch_unpacked

# A pickle of the library's own settings; a run can go on without it, and nobody should unpickle it.
LEFT_OUT = {"training_args.bin"}


@dataclass(frozen=True)
class Stored:
    step: int
    key: str


@dataclass(frozen=True)
class ResumeState:
    """Of one job; `checkpoints` is the trainer's folder on this host.

    The step is in the name of the object, so that a worker which has lost the job can never replace the
    state of its successor by an older one.
    """

    job: TrainingJob
    checkpoints: Path

    def stored(self) -> list[Stored]:
        """What is in the storage, oldest first."""
        keys = get_storage().list(self.job.resume_prefix)
        found = [Stored(int(key.rpartition("/")[2].partition("-")[0]), key) for key in keys]
        return sorted(found, key=lambda stored: stored.step)

    def stored_step(self) -> int:
        """0 if nothing is stored."""
        return max((state.step for state in self.stored()), default=0)

    def local_step(self, *, above: int = 0) -> int:
        """The step of the newest whole checkpoint here; 0 if there is none above that step."""
        steps = sorted((step_of(folder) for folder in self.checkpoints.glob("checkpoint-*")), reverse=True)
        newer = (step for step in steps if step > above)
        return next((step for step in newer if is_whole(self.checkpoints / f"checkpoint-{step}")), 0)

    def store(self, step: int, *, token: int) -> None:
        """Store the checkpoint of that step, in place of older ones."""
        archive = self.checkpoints.with_name(".resume.tar")
        try:
            pack(self.checkpoints / f"checkpoint-{step}", archive)
        except FileNotFoundError:
            return  # the trainer has rotated it away meanwhile: a newer one follows
        get_storage().put(f"{self.job.resume_prefix}{step:09d}-{token}.tar", archive)
        archive.unlink()
        for state in self.stored():
            if state.step < step:
                get_storage().delete(state.key)

    def restore(self) -> None:
        """Fetch what is stored if the job had come further elsewhere than here."""
        states = self.stored()
        if states and self.local_step() < states[-1].step:
            shutil.rmtree(self.checkpoints, ignore_errors=True)
            fetch_unpacked(states[-1].key, self.checkpoints)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.partition("-")[2])


def is_whole(checkpoint: Path) -> bool:
    """The library writes into the folder itself, and this file last."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def pack(checkpoint: Path, archive: Path) -> None:
    with tarfile.open(archive, "w") as files:
        files.add(checkpoint, arcname=checkpoint.name, filter=_without_left_out)


def _without_left_out(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(entry.name).name in LEFT_OUT else entry
