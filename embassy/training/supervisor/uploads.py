"""Stores what an epoch left: the export as an archive, and the state to go on from elsewhere."""

import hashlib
import tarfile
from pathlib import Path
from typing import Any

from embassy.platform.storage import get_storage
from embassy.training import records
from embassy.training.digests import digests
from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.supervisor.folder import RunFolder, evidence, read_json
from embassy.training.supervisor.outcomes import Fenced
from embassy.training.supervisor.resume_state import ResumeState
from embassy.training.supervisor.session import Session

# Weights hardly compress: the fastest level costs least for the same size.
COMPRESSION = 1


class Uploads:
    """Uploads each export once; what earlier attempts stored is known from the rows.

    `state` is how far the trainer has come, which is stored whenever that is further than before.
    """

    def __init__(self, session: Session, folder: RunFolder) -> None:
        self._session, self._folder = session, folder
        self.state = ResumeState(session.job, folder.checkpoints)
        self._stored = set(session.job.checkpoints.values_list("number", flat=True))
        self._stored_step = self.state.stored_step()

    def store_new(self) -> None:
        """Raises the outcomes, the storage's errors and the database's: then call again."""
        # Looked for before the exports: those that it presupposes are stored before it is.
        step = self.state.local_step(above=self._stored_step)
        for number in self._folder.exports():
            if number not in self._stored and number >= 1:
                self._store(number)
                self._stored.add(number)
        if step:
            with self._session.interruptible():
                self.state.store(step, token=self._session.token)
            self._stored_step = step

    def _store(self, number: int) -> None:
        session, export = self._session, self._folder.export(number)
        archive = self._folder.path / ".upload.tar.gz"
        # The token in the key keeps a fenced worker from overwriting what the row of its successor names.
        key = f"{session.job.prefix}checkpoints/{number}-{session.token}.tar.gz"
        with session.interruptible():
            pack(export, archive)
            get_storage().put(key, archive)
        try:
            checkpoint = as_row(session.job, number, export, key=key, archive=archive)
            records.record_checkpoint(session.job, checkpoint, token=session.token)
        except Fenced:
            get_storage().delete(key)
            raise
        finally:
            archive.unlink()


def pack(folder: Path, archive: Path) -> None:
    """A gzipped tar with the folder's files at its top."""
    with tarfile.open(archive, "w:gz", compresslevel=COMPRESSION) as files:
        for path in sorted(folder.iterdir()):
            files.add(path, arcname=path.name)


def as_row(job: TrainingJob, number: int, export: Path, *, key: str, archive: Path) -> Checkpoint:
    facts = evidence(export)
    # The evidence itself and the card come after the list of files in it.
    facts["files"] = digests(export, known=facts.get("files"))
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
