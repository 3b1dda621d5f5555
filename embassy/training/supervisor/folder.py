"""The run folder of a job on this host: what the trainer reads, and what it leaves behind."""

import fcntl
import json
import shutil
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from embassy.catalog import weights
from embassy.evaluation import registry
from embassy.evaluation.reward import write_reward
from embassy.platform.storage import get_storage
from embassy.platform.unpack import unpack
from embassy.training import spec
from embassy.training.models import TrainingJob
from embassy.training.states import UNFINISHED

LOCK_SECONDS = 20.0


@dataclass(frozen=True)
class RunFolder:
    path: Path

    @classmethod
    def of(cls, job: TrainingJob) -> "RunFolder":
        return cls(Path(settings.RUNS_DIR).absolute() / job.public_id)

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    def events(self, attempt: int) -> Path:
        return self.path / f"events-{attempt}.jsonl"

    def accounts(self) -> list[int]:
        """Attempts that left an events file here, ascending."""
        names = [path.stem.partition("-")[2] for path in self.path.glob("events-*.jsonl")]
        return sorted(int(name) for name in names if name.isdecimal())

    def log(self, attempt: int) -> Path:
        return self.path / f"runner-{attempt}.log"

    def spec_file(self, attempt: int) -> Path:
        return self.path / f"spec-{attempt}.json"

    def export(self, number: int) -> Path:
        return self.path / "exports" / str(number)

    def exports(self) -> list[int]:
        """Numbers of the exports that are whole, ascending."""
        folder = self.path / "exports"
        names = [child.name for child in folder.iterdir()] if folder.is_dir() else []
        return sorted(int(name) for name in names if name.isdecimal())

    def prepare(self, job: TrainingJob) -> None:
        """Fetch what is not here. May take as long as its downloads do; raises the errors of storage."""
        data = self.path / "data"
        data.mkdir(parents=True, exist_ok=True)
        _fetch(job.train_key, data / "train.jsonl")
        if job.test_rows:
            _fetch(job.test_key, data / "test.jsonl")
        if job.spec.get("starts_from"):
            fetch_unpacked(job.start_key, self.path / "start")

    def wait_until_free(self, check: Callable[[], None]) -> None:
        """Wait for the trainer of an earlier attempt to be gone; it is being killed if it is still there."""
        self.path.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + LOCK_SECONDS
        with (self.path / ".lock").open("a") as lock:
            while time.monotonic() < deadline:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return
                except BlockingIOError:
                    check()
                    time.sleep(0.1)

    def write_spec(self, job: TrainingJob, *, attempt: int, seconds_left: float) -> Path:
        path = self.spec_file(attempt)
        spec.write_spec(self._spec(job, attempt, seconds_left), path)
        return path

    def _spec(self, job: TrainingJob, attempt: int, seconds_left: float) -> spec.TrainingSpec:
        frozen: dict[str, Any] = job.spec
        technique, task = spec.Technique(frozen["technique"]), spec.Task(frozen["task"])
        base = weights.locate(frozen["base_model"])
        start = self.path / "start" if frozen.get("starts_from") else None
        is_adapter = start is not None and not frozen.get("start_is_whole")
        return spec.TrainingSpec(
            job_id=job.public_id,
            attempt=attempt,
            technique=technique,
            task=task,
            run_dir=str(self.path),
            base=spec.BaseModel(
                path=str(base if start is None or is_adapter else start),
                name=weights.public_name(frozen["base_model"]),
                revision=weights.revision_of(base),
                sha256=weights.fingerprint(base),
            ),
            data=spec.DataFiles(
                train=str(self.path / "data" / "train.jsonl"),
                train_sha256=frozen["train_sha256"],
                eval=str(self.path / "data" / "test.jsonl") if job.test_rows else None,
                eval_sha256=frozen["test_sha256"],
                labels=tuple(frozen.get("labels") or ()),
            ),
            parameters=spec.parse_parameters(technique, task, frozen["parameters"]),
            adapter=str(start) if is_adapter else None,
            whole=bool(frozen.get("whole")),
            resume_from=str(self.checkpoints),
            time_limit_seconds=seconds_left,
            rewards=self._rewards(frozen),
            check_memory=settings.TRAINING_CHECK_MEMORY,
        )

    def _rewards(self, frozen: dict[str, Any]) -> tuple[spec.Reward, ...]:
        """Programs that score by the functions as they were when the job was created."""
        weights_of = frozen.get("reward") or {}
        return tuple(
            spec.Reward(
                name=function.name,
                weight=weights_of[function.name],
                command=write_reward(function, self.path / f"reward-{number}.json"),
            )
            for number, function in enumerate(registry.thaw(frozen["test_functions"]))
            if function.name in weights_of
        )

    def last_words(self, attempt: int, *, limit: int = 300) -> str:
        """The last line of the trainer's log that tells of an error; empty if none does."""
        log = self.log(attempt)
        if not log.exists():
            return ""
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-200:]
        telling = [line.strip() for line in lines if "Error" in line]
        return telling[-1][-limit:] if telling else ""

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def sweep() -> None:
    """Remove the folders of jobs that have ended elsewhere or are gone."""
    root = Path(settings.RUNS_DIR)
    names = [child.name for child in root.iterdir() if child.is_dir()] if root.is_dir() else []
    wanted = TrainingJob.objects.filter(public_id__in=names, status__in=UNFINISHED)
    for name in set(names) - set(wanted.values_list("public_id", flat=True)):
        shutil.rmtree(root / name, ignore_errors=True)


def evidence(export: Path) -> dict[str, Any]:
    return read_json(export / "evidence.json") or {}


def read_json(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _fetch(key: str, path: Path) -> None:
    if not path.exists():
        get_storage().download(key, path)


def fetch_unpacked(key: str, folder: Path) -> None:
    """Unpack an archive as a folder that appears whole or not at all."""
    if folder.exists():
        return
    archive, partial = folder.with_name(f".{folder.name}.tar"), folder.with_name(f".{folder.name}.partial")
    get_storage().download(key, archive)
    shutil.rmtree(partial, ignore_errors=True)
    with tarfile.open(archive) as files:
        unpack(files, partial)
    partial.rename(folder)
    archive.unlink()
