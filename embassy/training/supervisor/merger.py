"""Runs one merge from claim to end: the Celery task `training.merge`, for as long as its child lives."""

import hashlib
import json
import logging
import shutil
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from embassy.catalog import weights
from embassy.platform import leases, shutdown
from embassy.platform.children import Child, ChildStartError, start_child
from embassy.platform.errors import EmbassyError
from embassy.platform.heartbeat import Heartbeat
from embassy.platform.logs import fields
from embassy.platform.storage import get_storage
from embassy.training import merges, model_card
from embassy.training.digests import digests
from embassy.training.merge_spec import MergeOutcome, MergeSpec, read_outcome, write
from embassy.training.models import Checkpoint, Merge
from embassy.training.states import MergeStatus
from embassy.training.supervisor.folder import evidence, fetch_unpacked
from embassy.training.supervisor.outcomes import Fenced, ShuttingDown
from embassy.training.supervisor.uploads import pack

log = logging.getLogger(__name__)

PROGRAM = "embassy.training.runner.merge"
TICK_SECONDS = 0.2
STOP_SECONDS = 4.0
LONGEST_SECONDS = 3600.0  # for one that hangs
UNEXPECTED = "Something unexpected went wrong; the worker's log has the particulars."


class Failed(Exception):
    """This attempt at the merge came to nothing."""

    def __init__(self, reason: str, code: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.code, self.final = reason, code, final


def run_merge(merge_pk: int) -> None:
    """Claim the merge and do it. Does nothing if it is not to be done now or another has it."""
    merge = merges.claim(merge_pk)
    if merge is None:
        return
    log.info("merge.claimed", extra=fields(merge=merge.public_id, attempt=merge.attempts))
    sweep()
    try:
        with Heartbeat(merge, token=merge.lease_token) as heartbeat:
            _run(Merger(merge, heartbeat))
    except (OperationalError, InterfaceError) as error:
        # Nothing can be written now. The lease runs out, and whoever finds that does it again.
        log.warning("merge.left", extra=fields(merge=merge.public_id, error=str(error)))
        connection.close()


def _run(merger: "Merger") -> None:
    merge, token = merger.merge, merger.token
    try:
        merger.run()
    except Fenced:
        log.info("merge.fenced", extra=fields(merge=merge.public_id))
    except ShuttingDown:
        merges.give_back(merge, token=token)
    except Failed as error:
        merges.record_failure(merge, token=token, reason=error.reason, code=error.code, final=error.final)
    except EmbassyError as error:
        merges.record_failure(merge, token=token, reason=error.message, code=error.code)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        merges.record_failure(merge, token=token, reason=UNEXPECTED, code="internal_error")
        raise
    finally:
        shutil.rmtree(merger.folder, ignore_errors=True)


class Merger:
    """One attempt at one merge, by the process that holds its lease."""

    def __init__(self, merge: Merge, heartbeat: Heartbeat) -> None:
        self.merge, self.token = merge, merge.lease_token
        self.folder = root() / f"{merge.public_id}-{self.token}"
        self._checkpoint: Checkpoint = merge.checkpoint
        self._heartbeat = heartbeat

    def run(self) -> None:
        """Leaves the merge in Ready. Raises Failed, Fenced, ShuttingDown and the errors of storage."""
        base = weights.locate(self._checkpoint.job.base_model)
        self.folder.mkdir(parents=True, exist_ok=True)
        fetch_unpacked(self._checkpoint.archive_key, self.folder / "adapter")
        self._merge(base)
        self._describe()
        self._store()

    def _merge(self, base: Path) -> None:
        spec = MergeSpec(
            base=str(base),
            adapter=str(self.folder / "adapter"),
            target=str(self.folder / "merged"),
            outcome=str(self.folder / "outcome.json"),
        )
        write(spec, self.folder / "spec.json")
        with self._start() as child:
            code = self._follow(child)
        outcome = read_outcome(Path(spec.outcome)) or MergeOutcome(
            code="merger_died", message=f"The merging program ended with status {code} and without a word."
        )
        if outcome.code:
            raise Failed(outcome.message, outcome.code, final=outcome.final)

    def _start(self) -> Child:
        try:
            return start_child(
                program=PROGRAM,
                argv=[str(self.folder / "spec.json")],
                env={},
                cwd=self.folder,
                log=self.folder / "merge.log",
                standby=None,
            )
        except ChildStartError as error:
            raise Failed(
                f"The merging program could not be started: {error}", "merger_not_started"
            ) from error

    def _follow(self, child: Child) -> int:
        deadline = time.monotonic() + LONGEST_SECONDS
        while True:
            try:
                self.check()
                return child.wait(TICK_SECONDS)
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise Failed("Merging took longer than an hour.", "time_limit") from None
            except ShuttingDown:
                child.stop(STOP_SECONDS)
                raise

    def check(self) -> None:
        """Raises Fenced or ShuttingDown if the work must stop."""
        if shutdown.is_announced():
            raise ShuttingDown
        if self._heartbeat.lost or not leases.holds(self.merge, token=self.token):
            raise Fenced(self.merge.public_id)

    def _describe(self) -> None:
        """Evidence and a card of the merged model, in place of the adapter's."""
        merged = self.folder / "merged"
        facts = evidence(merged)
        facts |= {
            "merged": True,
            "merged_from": {"archive_sha256": self._checkpoint.sha256, "files": facts.get("files")},
            "files": digests(merged, "*.safetensors"),
        }
        text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
        (merged / "evidence.json").write_text(text, encoding="utf-8")
        (merged / "README.md").write_text(model_card.render(facts), encoding="utf-8")

    def _store(self) -> None:
        archive = self.folder / "merged.tar.gz"
        pack(self.folder / "merged", archive)
        self.check()
        # The token in the key keeps a fenced worker from overwriting what its successor stored.
        key = f"{self._checkpoint.job.prefix}merged/{self._checkpoint.number}-{self.token}.tar.gz"
        get_storage().put(key, archive)
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not merges.record_ready(
            self.merge,
            token=self.token,
            archive_key=key,
            sha256=digest,
            size_bytes=archive.stat().st_size,
            files=digests(self.folder / "merged"),
        ):
            get_storage().delete(key)
            raise Fenced(self.merge.public_id)


def root() -> Path:
    return Path(settings.CACHE_DIR).absolute() / "merges"


def sweep() -> None:
    """Remove what merges that were killed left on this host."""
    folders = {child.name: child for child in root().iterdir()} if root().is_dir() else {}
    running: Any = Merge.objects.filter(status=MergeStatus.RUNNING)
    wanted = {f"{name}-{token}" for name, token in running.values_list("public_id", "lease_token")}
    for name in folders.keys() - wanted:
        shutil.rmtree(folders[name], ignore_errors=True)
