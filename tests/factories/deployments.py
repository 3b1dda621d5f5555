"""Engines, adapters and deployments, in whatever state a test needs them."""

import hashlib
import io
import json
import tarfile
import tempfile
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from django.utils import timezone

from embassy.deployments import services
from embassy.deployments.models import Deployment
from embassy.deployments.services import DeploymentRequest
from embassy.engines import observe
from embassy.engines import services as engines
from embassy.engines.keys import Archive
from embassy.engines.models import Adapter, Engine
from embassy.platform.actor import Actor
from embassy.platform.storage import get_storage
from embassy.projects.models import Project
from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.states import JobStatus
from tests.factories.projects import make_actor, make_project
from tests.fakes.weights import write_safetensors

BASE = "tiny-llama-instruct"
RANK = 4

_numbers = count(1)


def make_job(project: Project, *, status: str = JobStatus.SUCCESS, **columns: Any) -> TrainingJob:
    number = next(_numbers)
    return TrainingJob.objects.create(
        project=project,
        created_by=project.created_by,
        name=columns.pop("name", f"job-{number}"),
        base_model=columns.pop("base_model", BASE),
        status=status,
        datasets={"train": {"id": "ds-1", "name": "train", "created_at": 1, "is_uploaded": True}},
        **columns,
    )


def make_checkpoint(job: TrainingJob, number: int = 1, **columns: Any) -> Checkpoint:
    archive = store_adapter(f"{job.prefix}checkpoints/{number}-1.tar.gz")
    values = {
        "step": 10,
        "archive_key": archive.key,
        "sha256": archive.sha256,
        "size_bytes": 1000,
        "rank": RANK,
        "prompt_format": {"prefix": "<user>", "suffix": "<assistant>"},
    } | columns
    return Checkpoint.objects.create(job=job, number=number, **values)


def make_deployment(
    project: Project | None = None,
    *,
    actor: Actor | None = None,
    engine: Engine | None = None,
    **request: Any,
) -> Deployment:
    """Of a new job's checkpoint 1, unless `reference` and `checkpoint` say otherwise."""
    actor = actor or make_actor()
    project = project or make_project(actor)
    if "reference" not in request:
        job = make_job(project)
        make_checkpoint(job)
        request |= {"reference": job.public_id, "checkpoint": 1}
    return services.create_deployment(
        project=project, request=DeploymentRequest(**request), actor=actor, engine=engine
    )


def run_engine(engine: Engine) -> Engine:
    """As its supervisor would: claimed by this process, Active, its wanted adapters loaded."""
    claimed = observe.claim(engine_pk=engine.pk)
    assert claimed is not None
    for adapter in claimed.adapters.filter(wanted=True):
        load(adapter)
    observe.active(
        engine=claimed,
        token=claimed.lease_token,
        host="127.0.0.1",
        port=5001,
        model_path="/models/tiny",
        seconds=1.0,
    )
    return claimed


def load(adapter: Adapter) -> None:
    """The engine has loaded it."""
    adapter.refresh_from_db()
    observe.loaded(adapter=adapter, token=Engine.objects.get(pk=adapter.engine_id).lease_token)


def stop_engine(engine: Engine) -> None:
    """What its supervisor does once the server is gone."""
    engine.refresh_from_db()
    observe.stopped(engine=engine, token=engine.lease_token, reason=engine.reason)


def up(deployment: Deployment) -> Deployment:
    """Deployed, on a running engine."""
    run_engine(deployment.engine)
    services.reconcile(deployment_pk=deployment.pk)
    deployment.refresh_from_db()
    return deployment


def make_engine(**columns: Any) -> Engine:
    """The automatic engine of the tiny model, changed as told."""
    engine = engines.ensure_engine(base_model=BASE, task_type="text-generation")
    Engine.objects.filter(pk=engine.pk).update(**columns)
    engine.refresh_from_db()
    return engine


def ago(seconds: float) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)


def store_adapter(key: str, *, rank: int = RANK, labels: int = 0) -> Archive:
    """An adapter of the tiny model with zeros for weights, as the training supervisor packs it.

    With `labels` it is a classifier's, and brings a head.
    """
    return store(key, adapter_files(rank, labels))


def adapter_files(rank: int, labels: int = 0) -> dict[str, bytes]:
    config = {
        "peft_type": "LORA",
        "task_type": "SEQ_CLS" if labels else "CAUSAL_LM",
        "r": rank,
        "lora_alpha": 2 * rank,
        "target_modules": ["q_proj"],
        "base_model_name_or_path": BASE,
    }
    prefix = "base_model.model.model.layers.0.self_attn.q_proj"
    hidden = tiny_config()["hidden_size"]
    shapes = {f"{prefix}.lora_A.weight": (rank, hidden), f"{prefix}.lora_B.weight": (hidden, rank)}
    if labels:
        shapes["base_model.model.score.weight"] = (labels, hidden)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "adapter_model.safetensors"
        write_safetensors(weights, shapes)
        return {
            "adapter_config.json": json.dumps(config).encode(),
            "adapter_model.safetensors": weights.read_bytes(),
        }


def tiny_config() -> dict[str, Any]:
    path = Path(__file__).resolve().parents[2] / "models" / BASE / "config.json"
    config: dict[str, Any] = json.loads(path.read_text())
    return config


def store(key: str, files: dict[str, bytes]) -> Archive:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    content = buffer.getvalue()
    get_storage().put(key, content)
    return Archive(key, hashlib.sha256(content).hexdigest())
