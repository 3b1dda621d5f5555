"""Training jobs, made by the real service, and what a run leaves behind."""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from embassy.platform.actor import Actor
from embassy.platform.storage import get_storage
from embassy.projects.models import Project
from embassy.training import lifecycle, services
from embassy.training.models import Checkpoint, TestResult, TrainingJob
from embassy.training.requests import JobRequest
from tests.factories.datasets import jsonl_bytes, make_dataset
from tests.factories.projects import make_actor, make_project

# Question → answer: what a stand-in for a server may know.
SUMS = {f"What is {n} + {n}?": str(2 * n) for n in range(1, 21)}


def make_rows(sums: dict[str, str] | None = None) -> bytes:
    return jsonl_bytes(
        [{"prompt": question, "completion": answer} for question, answer in (sums or SUMS).items()]
    )


def make_job(
    *,
    project: Project | None = None,
    actor: Actor | None = None,
    content: bytes | None = None,
    **request: Any,
) -> TrainingJob:
    """Pending, on a dataset of its own with 20 rows unless told otherwise."""
    actor = actor or make_actor()
    project = project or make_project(actor)
    if "train_dataset_id" not in request:
        dataset = make_dataset(
            project=project, actor=actor, content=content or make_rows(), file_name="sums.jsonl"
        )
        request["train_dataset_id"] = dataset.public_id
    job_request = JobRequest(**({"base_model": "tiny-llama-instruct"} | request))
    return services.create_training_job(project=project, request=job_request, actor=actor)


def make_running_job(**options: Any) -> TrainingJob:
    """Claimed by this process."""
    job = lifecycle.claim(make_job(**options).pk)
    assert job is not None
    return job


def make_checkpoint(job: TrainingJob, number: int = 1, **values: Any) -> Checkpoint:
    key = f"{job.prefix}checkpoints/{number}-1.tar.gz"
    content = archive({"adapter_config.json": json.dumps({"r": 16}).encode()})
    get_storage().put(key, content)
    defaults = {
        "step": 10 * number,
        "archive_key": key,
        "sha256": "0" * 64,
        "size_bytes": len(content),
        "rank": 16,
    }
    return Checkpoint.objects.create(job=job, number=number, **(defaults | values))


def make_result(job: TrainingJob, number: int, **scores: float) -> TestResult:
    key = f"{job.prefix}tests/{number}-1.jsonl"
    row = {
        "line": 1,
        "input_text": "What is 1 + 1?",
        "expected_output": "2",
        "predicted_output": "2",
        "scores": scores,
        "reasons": {},
    }
    get_storage().put(key, json.dumps(row).encode() + b"\n")
    return TestResult.objects.create(job=job, number=number, rows_key=key, rows=1, scores=scores)


def make_tested_rows(
    job: TrainingJob, number: int, scores: Sequence[float | None], *, name: str = "exact_match_shared"
) -> TestResult:
    """A result with one row for each score; None is a row in which the function failed."""
    rows = [
        {
            "line": place + 1,
            "input_text": f"Question {place + 1}",
            "expected_output": "yes",
            "predicted_output": f"answer {place + 1} of {number}",
            "scores": {name: score},
            "reasons": {} if score is not None else {name: "ValueError: no"},
        }
        for place, score in enumerate(scores)
    ]
    key = f"{job.prefix}tests/{number}-1.jsonl"
    get_storage().put(key, b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    failed = sum(score is None for score in scores)
    return TestResult.objects.create(
        job=job,
        number=number,
        rows_key=key,
        rows=len(rows),
        scores={name: round(sum(score or 0.0 for score in scores) / len(scores), 4)},
        failures={name: failed} if failed else {},
    )


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def script_trainer(job: TrainingJob, **script: Any) -> Path:
    """Tell the stand-in trainer what to do in this job; see tests/fakes/trainer."""
    folder = Path(settings.RUNS_DIR) / job.public_id
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "script.json"
    path.write_text(json.dumps(script))
    return path


def hold_test(job: TrainingJob, number: int) -> Path:
    """Keep the answers of a checkpoint from being ready while this file exists; see tests/fakes."""
    folder = Path(settings.RUNS_DIR) / job.public_id
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"hold-{number}"
    path.touch()
    return path


def due_now(job: TrainingJob) -> None:
    """As if the wait before the next attempt were over."""
    TrainingJob.objects.filter(pk=job.pk).update(next_retry_at=timezone.now())
