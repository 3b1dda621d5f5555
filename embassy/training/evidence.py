"""From what, with what and how a checkpoint was made, in one document. Reads only."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from embassy.training.models import Checkpoint, Merge, TestResult, TrainingJob
from embassy.training.models.checkpoint import BASE
from embassy.training.states import MergeStatus

_FORMAT = 1


def evidence_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """Times are ISO 8601, digests are SHA-256 in hexadecimal. What is not known is null."""
    job, facts = checkpoint.job, checkpoint.evidence
    return {
        "format": _FORMAT,
        "product": {"name": "Embassy", "version": settings.SPECTACULAR_SETTINGS["VERSION"]},
        "checkpoint": _checkpoint(checkpoint),
        "job": _job(job),
        "base_model": _base(job, facts),
        "started_from": _start(job, facts),
        "datasets": _datasets(job),
        "chat_template_sha256": facts.get("chat_template_sha256"),
        "prompt_format": checkpoint.prompt_format,
        "metadata": checkpoint.metadata,
        "parameters": {"asked": job.parameters, "used": facts.get("parameters")},
        "seeds": {"training": job.parameters.get("seed"), "data": job.parameters.get("seed")},
        "reward": job.reward,
        "environment": _environment(checkpoint),
        "metrics": checkpoint.metrics,
        "tests": _tests(checkpoint),
        "parity": checkpoint.parity,
        "merged": _merged(checkpoint),
    }


def as_bytes(document: Mapping[str, Any]) -> bytes:
    """The file that users download; the same for the same facts."""
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    facts = checkpoint.evidence
    return {
        "id": checkpoint.public_id,
        "number": checkpoint.number,
        "step": checkpoint.step,
        "epoch": facts.get("epoch"),
        "attempt": facts.get("attempt"),
        "created_at": checkpoint.created_at.isoformat(),
        "kind": "model" if checkpoint.merged else "adapter",
        "rank": checkpoint.rank,
        "best": checkpoint.best,
        "archive": {
            "sha256": checkpoint.sha256,
            "size_bytes": checkpoint.size_bytes,
            "files": facts.get("files") or {},
        },
    }


def _job(job: TrainingJob) -> dict[str, Any]:
    return {
        "id": job.public_id,
        "name": job.name,
        "technique": job.technique,
        "task_type": job.task_type,
        "status": job.status,
        "created_at": job.created_at.isoformat(),
        "started_at": _moment(job.started_at),
        "finished_at": _moment(job.finished_at),
        "attempts": job.attempts,
        "training_seconds": job.seconds_used,
    }


def _base(job: TrainingJob, facts: Mapping[str, Any]) -> dict[str, Any]:
    base = facts.get("base") or {}
    return {
        "name": base.get("name") or job.base_model,
        "revision": base.get("revision") or None,
        "weights_sha256": base.get("sha256") or None,
    }


def _start(job: TrainingJob, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    if not job.base_fine_tuned_model:
        return None
    return {
        "job": job.base_fine_tuned_model,
        "checkpoint": job.base_fine_tuned_model_checkpoint,
        "checkpoint_id": job.spec.get("starts_from"),
        "archive_sha256": job.spec.get("start_sha256"),
        "adapter_sha256": facts.get("adapter"),
    }


def _datasets(job: TrainingJob) -> dict[str, Any]:
    """`rows_sha256` is of the rows as they were trained on or tested with: drawn, left out, rebalanced."""
    sources = job.spec.get("sources") or {}
    shown: dict[str, Any] = {}
    for part, rows in (("train", job.train_rows), ("test", job.test_rows)):
        summary = job.datasets.get(part)
        if summary is None and not rows:
            shown[part] = None
            continue
        # Without a test dataset of its own the test rows were held out of the training dataset.
        source = part if summary else "train"
        shown[part] = {
            "id": job.datasets[source]["id"],
            "name": job.datasets[source]["name"],
            **(sources.get(source) or {}),
            "rows": rows,
            "rows_sha256": job.spec.get(f"{part}_sha256"),
        }
    drawn = {"train_test_split_ratio": job.train_test_split_ratio, "rows": job.spec.get("rows")}
    return {**shown, "drawn": drawn, "rebalance_data": job.spec.get("rebalance_data")}


def _environment(checkpoint: Checkpoint) -> dict[str, Any]:
    facts = checkpoint.evidence
    started = _started(checkpoint.job, facts.get("attempt"))
    return {
        "packages": facts.get("versions") or started.get("versions"),
        "device": started.get("device") or facts.get("device"),
        "precision": facts.get("precision"),
        "threads": facts.get("threads"),
        "memory_bytes": started.get("memory_total"),
    }


def _started(job: TrainingJob, attempt: int | None) -> dict[str, Any]:
    """What the runner told of its machine when the attempt began."""
    found = job.events.filter(kind="started", attempt=attempt).order_by("id").first()
    return dict(found.data) if found else {}


def _tests(checkpoint: Checkpoint) -> dict[str, Any]:
    job = checkpoint.job
    results = {
        result.number: result for result in job.test_results.filter(number__in=(BASE, checkpoint.number))
    }
    functions = [
        {
            "name": function["name"],
            "built_in": function["built_in"],
            "dependencies": function["dependencies"],
            "source_sha256": hashlib.sha256(function["content"].encode()).hexdigest(),
        }
        for function in job.spec.get("test_functions") or []
    ]
    return {
        "functions": functions,
        "base": _result(results.get(BASE)),
        "checkpoint": _result(results.get(checkpoint.number)),
    }


def _result(result: TestResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {
        "rows": result.rows,
        "scores": result.scores,
        "failures": result.failures,
        "metrics": result.metrics,
    }


def _merged(checkpoint: Checkpoint) -> dict[str, Any] | None:
    merge = Merge.objects.filter(checkpoint=checkpoint, status=MergeStatus.READY).first()
    if merge is None:
        return None
    return {"sha256": merge.sha256, "size_bytes": merge.size_bytes, "files": merge.files}


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
