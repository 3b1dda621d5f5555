"""A checkpoint as it is served: complete from the moment its folder exists, and without pickles."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from embassy.training import model_card
from embassy.training.examples.templates import Template
from embassy.training.runner.events import jsonable
from embassy.training.runner.hardware import Hardware, versions
from embassy.training.runner.models import base_for_merging, load_adapter, storage_dtype
from embassy.training.runner.parity import References
from embassy.training.runner.run import Run
from embassy.training.spec import TrainingSpec

_ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.jinja",
)


@dataclass(frozen=True)
class Checkpoint:
    """What one epoch left: `folder` as the training library wrote it, `number` counted from 1."""

    number: int
    step: int
    epoch: float
    folder: Path
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Exporter:
    """Turns checkpoints into export folders.

    `facts` goes into the evidence of each; `write_extras` adds what a technique needs to serve its result;
    `load_whole` loads a whole model in full precision, from a folder or else the base model; `write_model`
    writes results that never are adapters; `references` are answers for the engine to be compared with.
    """

    run: Run
    hardware: Hardware
    tokenizer: Any
    facts: dict[str, Any]
    write_extras: Callable[[Path], None] | None = None
    load_whole: Callable[[TrainingSpec, str | None], Any] = base_for_merging
    write_model: Callable[[Checkpoint, Path], None] | None = None
    references: References | None = None

    @property
    def merged(self) -> bool:
        """Whether exports are whole models, because serving cannot load the result as an adapter."""
        spec, parameters = self.run.spec, self.run.spec.parameters
        never_an_adapter = parameters.full_fine_tuning or parameters.use_dora or self.write_model is not None
        return never_an_adapter or spec.whole

    def path(self, number: int) -> Path:
        return self.run.spec.exports_dir / str(number)

    def export(self, checkpoint: Checkpoint) -> None:
        """Write the export of a checkpoint under another name, then give it its own."""
        target = self.path(checkpoint.number)
        partial = target.with_name(f".{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        with torch.random.fork_rng():  # merging draws numbers that a resumed run would not have drawn
            self._write(checkpoint, partial)
        settle(partial)
        partial.rename(target)

    def _write(self, checkpoint: Checkpoint, folder: Path) -> None:
        copy_present(checkpoint.folder, folder, _TOKENIZER_FILES)
        if self.write_model:
            self.write_model(checkpoint, folder)
        elif self.merged:
            self._write_merged(checkpoint, folder)
        else:
            self._write_adapter(checkpoint, folder)
        if self.tokenizer.chat_template:
            write_json(folder / "prompt_format.json", Template(self.tokenizer).format())
        if self.write_extras:
            self.write_extras(folder)
        if self.references and self.references.watching:
            write_json(folder / "parity.json", self.references.document())
        facts = self._evidence(checkpoint, folder)
        write_json(folder / "evidence.json", facts)
        (folder / "README.md").write_text(model_card.render(facts), encoding="utf-8")

    def _write_adapter(self, checkpoint: Checkpoint, folder: Path) -> None:
        copy_present(checkpoint.folder, folder, _ADAPTER_FILES)
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        config["base_model_name_or_path"] = self.run.spec.base.name
        config["revision"] = self.run.spec.base.revision or None
        write_json(folder / "adapter_config.json", config)

    def _write_merged(self, checkpoint: Checkpoint, folder: Path) -> None:
        spec, parameters = self.run.spec, self.run.spec.parameters
        if parameters.full_fine_tuning:
            model = self.load_whole(spec, str(checkpoint.folder))
        else:
            model = self.load_whole(spec, None)
            if spec.adapter:
                model = load_adapter(model, Path(spec.adapter)).merge_and_unload()
            model = load_adapter(model, checkpoint.folder).merge_and_unload()
        model.config.use_cache = True
        model.to(storage_dtype(spec, self.hardware)).save_pretrained(folder)

    def _evidence(self, checkpoint: Checkpoint, folder: Path) -> dict[str, Any]:
        spec = self.run.spec
        return {
            "job_id": spec.job_id,
            "attempt": spec.attempt,
            "technique": spec.technique,
            "task": spec.task,
            "checkpoint": checkpoint.number,
            "step": checkpoint.step,
            "epoch": checkpoint.epoch,
            "created": time.time(),
            "merged": self.merged,
            "base": {"name": spec.base.name, "revision": spec.base.revision, "sha256": spec.base.sha256},
            "adapter": spec.adapter and file_digest(Path(spec.adapter) / "adapter_model.safetensors"),
            "train_sha256": spec.data.train_sha256,
            "eval_sha256": spec.data.eval_sha256,
            "chat_template_sha256": digest((self.tokenizer.chat_template or "").encode()),
            "parameters": asdict(spec.parameters),
            "precision": "bf16" if self.hardware.bf16 else "fp32",
            "device": self.hardware.device,
            "threads": self.hardware.threads,
            "versions": versions(),
            "metrics": checkpoint.metrics,
            "files": {
                str(path.relative_to(folder)): file_digest(path)
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            },
            **self.facts,
        }


def copy_present(source: Path, target: Path, names: tuple[str, ...]) -> None:
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def write_json(path: Path, document: Any) -> None:
    path.write_text(json.dumps(jsonable(document), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settle(folder: Path) -> None:
    """Wait until the folder's files are on the disk: a rename must not outrun what it names."""
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o755 if path.is_dir() else 0o644)  # some of it was written for our eyes only
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
