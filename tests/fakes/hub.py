"""Stands in for huggingface_hub: one repository at the hub, and a cache."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from embassy.catalog import hub
from tests.fakes.weights import write_safetensors

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = {
    "architectures": ["Qwen2ForCausalLM"],
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "vocab_size": 16,
    "max_position_embeddings": 64,
}


class Sibling(NamedTuple):
    rfilename: str
    size: int


class Total(NamedTuple):
    total: int


class Info(NamedTuple):
    sha: str
    siblings: list[Sibling]
    safetensors: Total


class FakeHub:
    """One repository at the hub, and a cache."""

    def __init__(self, folder: Path) -> None:
        self.remote, self.cache = folder / "remote", folder / "cache" / "snapshots" / COMMIT
        self.remote.mkdir(parents=True)
        (self.remote / "config.json").write_text(json.dumps(CONFIG))
        (self.remote / "tokenizer.json").write_text("{}")
        (self.remote / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ x }}"}))
        write_safetensors(self.remote / "model.safetensors", {"w": (8, 8)})
        self.asked: list[str] = []
        self.error: Callable[[], Exception] | None = None
        self.sizes: dict[str, int] = {}

    def model_info(self, hf_id: str, *, revision: str | None, **_: Any) -> Info:
        self.asked.append(f"info {hf_id} {revision}")
        if self.error:
            raise self.error()
        names = sorted(path.name for path in self.remote.iterdir())
        return Info(COMMIT, [Sibling(name, self.sizes.get(name, 100)) for name in names], Total(12_345))

    def download(self, hf_id: str, name: str, revision: str | None, local_files_only: bool = False) -> str:
        path = self.cache / name
        if not path.exists():
            if local_files_only:
                raise LocalEntryNotFoundError("not here")
            self.fetch(name)
        return str(path)

    def snapshot(self, hf_id: str, *, revision: str, allow_patterns: list[str]) -> str:
        for path in self.remote.iterdir():
            self.fetch(path.name)
        return str(self.cache)

    def fetch(self, name: str) -> None:
        self.asked.append(f"file {name}")
        self.cache.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.remote / name, self.cache / name)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In place of the real library."""
        monkeypatch.setattr(hub, "HfApi", lambda: self)
        monkeypatch.setattr(hub, "hf_hub_download", self.download)
        monkeypatch.setattr(hub, "snapshot_download", self.snapshot)
