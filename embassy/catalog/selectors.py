"""Look base models up."""

import json
from pathlib import Path

from django.conf import settings
from rapidfuzz import process

from embassy.catalog import hub
from embassy.catalog.base_model import BaseModel
from embassy.catalog.entries import ENTRIES
from embassy.platform.errors import NotFound

_BY_NAME = {entry.name: entry for entry in ENTRIES} | {entry.hf_id: entry for entry in ENTRIES if entry.hf_id}


def list_base_models() -> list[BaseModel]:
    return list(ENTRIES)


def get_base_model(name: str) -> BaseModel:
    """By catalog name, by Hugging Face id, or by the name of a model that an administrator or job added.

    Never reaches out to the network. Raises NotFound.
    """
    found = _BY_NAME.get(name) or _in_a_folder(name) or _in_the_cache(name)
    if found is None:
        raise NotFound(f"There is no base model {name}.{_nearest(name)} List them with GET /v1/models.")
    return found


def is_listed(name: str) -> bool:
    """Whether the catalog itself has this name or Hugging Face id."""
    return name in _BY_NAME


def folder_of(name: str) -> Path | None:
    """The folder of that name under one of MODELS_DIRS, if it holds a model."""
    for root in settings.MODELS_DIRS:
        folder = (root / name).resolve()
        # A name is a user's input: it must not lead out of the folders that hold models.
        if folder.is_relative_to(root.resolve()) and (folder / "config.json").is_file():
            return folder
    return None


def _in_a_folder(name: str) -> BaseModel | None:
    folder = folder_of(name)
    if folder is None:
        return None
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return hub.describe(name, config)


def _in_the_cache(name: str) -> BaseModel | None:
    config = hub.cached_config(name) if hub.is_id(name) else None
    return None if config is None else hub.describe(name, config, hf_id=name)


def _nearest(name: str) -> str:
    match = process.extractOne(name, [entry.name for entry in ENTRIES], score_cutoff=60)
    return f" Did you mean {match[0]}?" if match else ""
