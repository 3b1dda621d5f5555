"""Asks the engine what the trainer's own model was asked, and stores whether it answers the same."""

import json
import tarfile
import time
from collections.abc import Callable
from typing import Any

from embassy.catalog import selectors as catalog
from embassy.platform.errors import EmbassyError, Unavailable
from embassy.platform.storage import get_storage
from embassy.training import records
from embassy.training.models import Checkpoint
from embassy.training.parity import (
    LONGEST,
    VERSION,
    Answer,
    Finding,
    ParityStatus,
    Served,
    Tolerance,
    compare_answers,
    compare_outputs,
    compare_vectors,
    refused,
    tolerance_for,
    verdict,
)
from embassy.training.supervisor.folder import RunFolder, read_json
from embassy.training.supervisor.session import Session
from embassy.training.testing import CheckpointServer

FILE = "parity.json"
PATIENCE_SECONDS = 300.0  # for an engine that nothing else in the job needs

# The engine is there and will not serve this, today or tomorrow.
REFUSALS = frozenset({"adapter_rejected", "engine_rejected"})
NO_ENGINE, NO_REFERENCES = "no_engine", "no_references"

Document = dict[str, Any]


def check_parity(
    session: Session,
    server: CheckpointServer,
    checkpoint: Checkpoint,
    on_progress: Callable[[], object] | None = None,
) -> None:
    """Store the record of a checkpoint that has none. Raises the outcomes, and what `on_progress` raises.

    Raises EmbassyError where no engine can be had in a job that has test rows, which needs one anyway. In
    others the checkpoint stays unchecked.
    """
    if checkpoint.parity is not None:
        return
    record = ParityCheck(session, server, checkpoint, on_progress or session.check).record()
    session.patiently(lambda: records.record_parity(session.job, checkpoint, record, token=session.token))


class ParityCheck:
    """Of one checkpoint."""

    def __init__(
        self,
        session: Session,
        server: CheckpointServer,
        checkpoint: Checkpoint,
        on_progress: Callable[[], object],
    ) -> None:
        self._job, self._server, self._checkpoint = session.job, server, checkpoint
        self._report = on_progress
        self._deadline = time.monotonic() + PATIENCE_SECONDS

    def record(self) -> Document:
        document = references_of(self._checkpoint)
        if document is None or not document["probes"]:
            return unchecked(NO_REFERENCES, "The trainer left no answers to compare with.")
        if reason := self._engine_is_missing():
            return unchecked(NO_ENGINE, reason)
        tolerance = self._tolerance(document)
        try:
            findings = self._compare(document, tolerance)
        except EmbassyError as error:
            return self._without_answers(error, tolerance)
        status, reason = verdict(findings)
        return as_record(status, reason, findings=findings, tolerance=tolerance)

    def _engine_is_missing(self) -> str:
        """Why another checkpoint of the job could not be checked: it need not be waited for again."""
        if self._job.test_rows:
            return ""
        others = self._job.checkpoints.filter(parity__code=NO_ENGINE)
        return str(others.values_list("parity__reason", flat=True).first() or "")

    def _without_answers(self, error: EmbassyError, tolerance: Tolerance) -> Document:
        if error.code in REFUSALS:
            reason = f"The engine refuses what it is to serve. {error.message}"
            return as_record(ParityStatus.FAILED, reason, tolerance=tolerance)
        if self._job.test_rows:
            raise error
        return unchecked(NO_ENGINE, f"The engine could not be asked. {error.message}")

    def _tolerance(self, document: Document) -> Tolerance:
        served_in = catalog.get_base_model(self._job.base_model).dtype
        return tolerance_for({document["precision"], served_in}, quantized=document["quantized"])

    def _compare(self, document: Document, tolerance: Tolerance) -> list[Finding]:
        kinds: dict[str, Callable[[list[Document], Tolerance], list[Finding]]] = {
            "text": self._answers,
            "outputs": self._outputs,
            "vectors": self._vectors,
        }
        return kinds[document["kind"]](document["probes"], tolerance)

    def _answers(self, probes: list[Document], tolerance: Tolerance) -> list[Finding]:
        prompts = [probe["messages"] for probe in probes]
        probed = self._server.probe(self._job, self._checkpoint, prompts, LONGEST, self._on_progress)
        bases: list[Served | None] = probed.base or [None] * len(probes)
        return [
            _compare_text(probe, served, base, tolerance)
            for probe, served, base in zip(probes, probed.tuned, bases, strict=True)
        ]

    def _outputs(self, probes: list[Document], tolerance: Tolerance) -> list[Finding]:
        prompts = [probe["messages"] for probe in probes]
        found = self._server.classify(self._job, self._checkpoint, prompts, self._on_progress)
        pairs = zip(probes, found, strict=True)
        return [compare_outputs(probe["outputs"], outputs, tolerance) for probe, outputs in pairs]

    def _vectors(self, probes: list[Document], tolerance: Tolerance) -> list[Finding]:
        texts = [probe["text"] for probe in probes]
        found = self._server.embed(self._job, self._checkpoint, texts, self._on_progress)
        pairs = zip(probes, found, strict=True)
        return [compare_vectors(probe["vector"], vector, tolerance) for probe, vector in pairs]

    def _on_progress(self, _answers: int) -> None:
        self._report()
        if not self._job.test_rows and time.monotonic() > self._deadline:
            raise Unavailable(f"It was not ready within {PATIENCE_SECONDS:.0f} seconds.")


def references_of(checkpoint: Checkpoint) -> Document | None:
    """What the trainer left: in the run folder, or on another host in the stored archive."""
    document = read_json(RunFolder.of(checkpoint.job).export(checkpoint.number) / FILE)
    document = document or _from_archive(checkpoint.archive_key)
    return document if document is not None and document["version"] == VERSION else None


def unchecked(code: str, reason: str) -> Document:
    return as_record(ParityStatus.UNCHECKED, reason, code=code)


def as_record(
    status: ParityStatus,
    reason: str,
    *,
    code: str = "",
    findings: list[Finding] | None = None,
    tolerance: Tolerance | None = None,
) -> Document:
    """`checked_at` is in UNIX seconds."""
    return {
        "status": status,
        "code": code,
        "reason": reason,
        "checked_at": int(time.time()),
        "probes": [{**finding.detail, "problem": finding.problem} for finding in findings or []],
        "tolerance": tolerance and tolerance.as_dict(),
    }


def _compare_text(
    probe: Document, served: Served | None, base: Served | None, tolerance: Tolerance
) -> Finding:
    if served is None:
        return refused()
    start = probe["base"] and Answer.parse(probe["base"])
    tuned, before = Answer.parse(probe["tuned"]), None if base is None else base.answer
    return compare_answers(probe["prompt_ids"], tuned, start, served, before, tolerance)


def _from_archive(key: str) -> Document | None:
    with get_storage().open(key) as stream, tarfile.open(fileobj=stream, mode="r|gz") as files:
        for entry in files:
            if entry.name == FILE and (content := files.extractfile(entry)) is not None:
                document: Document = json.load(content)
                return document
    return None
