"""Stores what an epoch left: the export as an archive, and the state to go on from elsewhere."""

import hashlib
import tarfile
from pathlib import Path
from typing import Any

from embassy.platform.storage import get_storage
from embassy.training import records
from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.supervisor.folder import RunFolder, evidence, read_json
from embassy.training.supervisor.outcomes import Fenced
from embassy.training.supervisor.session import Session

# Weights hardly compress: the fastest level costs least for the same size.
COMPRESSION = 1
# A pickle of the library's own settings; a run can go on without it, and nobody should unpickle it.
LEFT_OUT = {"training_args.bin"}


class Uploads:
    """Uploads each export once; what earlier attempts stored is known from the rows."""

    def __init__(self, session: Session, folder: RunFolder) -> None:
        self._session, self._folder = session, folder
        self._stored = set(session.job.checkpoints.values_list("number", flat=True))

    def store_new(self) -> None:
        """Raises Fenced, the storage's errors and the database's: then call again."""
        for number in self._folder.exports():
            if number not in self._stored and number >= 1:
                self._store(number)
                self._stored.add(number)

    def _store(self, number: int) -> None:
        session, export = self._session, self._folder.export(number)
        archive = self._folder.path / ".upload.tar.gz"
        pack(export, archive)
        # The token in the key keeps a fenced worker from overwriting what the row of its successor names.
        key = f"{session.job.prefix}checkpoints/{number}-{session.token}.tar.gz"
        get_storage().put(key, archive)
        try:
            checkpoint = as_row(session.job, number, export, key=key, archive=archive)
            records.record_checkpoint(session.job, checkpoint, token=session.token)
        except Fenced:
            get_storage().delete(key)
            raise
        finally:
            archive.unlink()
        self._store_resume_state(checkpoint.step)

    def _store_resume_state(self, step: int) -> None:
        source = self._folder.checkpoints / f"checkpoint-{step}"
        archive = self._folder.path / ".resume.tar"
        try:
            with tarfile.open(archive, "w") as files:
                files.add(source, arcname=source.name, filter=_without_left_out)
        except FileNotFoundError:
            return  # the trainer has rotated it away meanwhile: a newer one follows
        get_storage().put(self._session.job.resume_key, archive)
        archive.unlink()


def pack(folder: Path, archive: Path) -> None:
    """A gzipped tar with the folder's files at its top."""
    with tarfile.open(archive, "w:gz", compresslevel=COMPRESSION) as files:
        for path in sorted(folder.iterdir()):
            files.add(path, arcname=path.name)


def as_row(job: TrainingJob, number: int, export: Path, *, key: str, archive: Path) -> Checkpoint:
    facts = evidence(export)
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Checkpoint(
        job=job,
        number=number,
        step=int(facts.get("step") or 0),
        archive_key=key,
        sha256=digest,
        size_bytes=archive.stat().st_size,
        rank=rank_of(read_json(export / "adapter_config.json")),
        merged=bool(facts.get("merged")),
        prompt_format=read_json(export / "prompt_format.json"),
        metadata=read_json(export / "metadata.json") or {},
        metrics=facts.get("metrics") or {},
        evidence=facts,
    )


def rank_of(config: dict[str, Any] | None) -> int:
    """The largest rank in an adapter's configuration; 0 if there is none."""
    if config is None:
        return 0
    return max([int(config.get("r") or 0), *map(int, (config.get("rank_pattern") or {}).values())])


def _without_left_out(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(entry.name).name in LEFT_OUT else entry
