"""Checkpoints that were never trained: variants of one that was, cheap, all different, known to the last bit.

They are stored as the training supervisor stores them: an archive under a key, and a row that names it.
"""

import hashlib
import io
import json
import secrets
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from tests.e2e.inside import Inside
from tests.e2e.live import LivePlatform, sample_rows

WEIGHTS = "adapter_model.safetensors"
HEAD = "base_model.model.score.weight"
NOISE = 0.5  # standard deviation: enough that hardly two of them answer alike

Files = dict[str, bytes]
Tensors = dict[str, Any]

KINDS: dict[str, dict[str, Any]] = {
    "text-generation": {"parameters": {"num_train_epochs": 1, "learning_rate": 0.003}},
    "classification": {"parameters": {"num_train_epochs": 1}, "task_type": "classification"},
}

NEWEST = """
    SELECT number, archive_key, metadata FROM training_checkpoint
    WHERE job_id = (SELECT id FROM training_trainingjob WHERE public_id = %s) ORDER BY number DESC LIMIT 1
"""
# All columns of the newest checkpoint, changed as told.
CLONE = """
    INSERT INTO training_checkpoint
    SELECT (jsonb_populate_record(original, numbered.changes)).*
    FROM training_checkpoint original, (
        SELECT jsonb_build_object('id', nextval(pg_get_serial_sequence('training_checkpoint', 'id')))
            || %s::jsonb AS changes
    ) numbered
    WHERE archive_key = %s RETURNING 1
"""


@dataclass(frozen=True)
class Variant:
    """`checkpoint` is its number among those of its job; `labels` is empty for text."""

    job: str
    checkpoint: int
    files: Files
    labels: tuple[str, ...] = ()

    def unpack(self, folder: Path) -> Path:
        folder.mkdir(parents=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return folder


def train_original(platform: LivePlatform, project: str, kind: str) -> str:
    """The id of a finished job with one checkpoint, to make variants of."""
    dataset = platform.upload(project, sample_rows("train", 48), name=f"{kind}-rows")
    body = {"base_model": "tiny-llama-instruct", "train_dataset_id": dataset} | KINDS[kind]
    path = f"/v1/projects/{project}/training-jobs"
    job = str(platform.call("POST", path, expect=201, json=body)["id"])
    finished = platform.wait_for_job(project, job)
    assert finished["status"] == "Success", finished
    return job


def make_variants(inside: Inside, job: str, labels: Sequence[tuple[str, ...]] = ((),)) -> list[Variant]:
    """One for each entry of `labels`: the names of its classes, or nothing if the job writes text."""
    [(newest, key, metadata)] = inside.rows(NEWEST, job)
    original = unpacked((inside.home / "files" / key).read_bytes())
    variants = []
    for number, names in enumerate(labels, start=newest + 1):
        files = varied(original, seed=number, classes=len(names))
        variants.append(Variant(job, number, files, names))
        _store(inside, key, variants[-1], metadata | ({"labels": list(names)} if names else {}))
    return variants


def varied(original: Files, *, seed: int, classes: int = 0) -> Files:
    random = np.random.default_rng(seed)
    tensors: Tensors = dict(load(original[WEIGHTS]))
    for name, tensor in tensors.items():
        if name.endswith("lora_B.weight"):
            tensors[name] = tensor + random.normal(0, NOISE, tensor.shape).astype(tensor.dtype)
    if classes:
        width = tensors[HEAD].shape[1]
        tensors[HEAD] = random.normal(0, 1, (classes, width)).astype(tensors[HEAD].dtype)
    return original | {WEIGHTS: save(tensors)}


def _store(inside: Inside, original: str, variant: Variant, metadata: dict[str, Any]) -> None:
    content = packed(variant.files)
    key = f"{original.removesuffix('.tar.gz')}-variant-{variant.checkpoint}.tar.gz"
    (inside.home / "files" / key).write_bytes(content)
    changes = {
        "public_id": f"ck-{secrets.token_hex(11)}",
        "number": variant.checkpoint,
        "archive_key": key,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "metadata": metadata,
        "parity": None,
        "best": False,
    }
    assert inside.rows(CLONE, json.dumps(changes), original)


def unpacked(archive: bytes) -> Files:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = {member.name: tar.extractfile(member) for member in tar}
        return {name: content.read() for name, content in members.items() if content is not None}


def packed(files: Files) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
