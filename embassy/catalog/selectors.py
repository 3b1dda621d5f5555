"""Look base models up."""

from rapidfuzz import process

from embassy.catalog import facts, folders, hub
from embassy.catalog.base_model import BaseModel
from embassy.catalog.entries import ENTRIES
from embassy.platform.errors import NotFound

_BY_NAME = {entry.name: entry for entry in ENTRIES} | {entry.hf_id: entry for entry in ENTRIES if entry.hf_id}


def list_base_models() -> list[BaseModel]:
    """The catalog's own, then those in MODELS_DIRS. What lies there and cannot be used is left out."""
    return [*ENTRIES, *folders.usable(known=frozenset(_BY_NAME))]


def get_base_model(name: str) -> BaseModel:
    """By catalog name, by Hugging Face id, or by the name of a model that an administrator or job added.

    Never reaches out to the network. Raises NotFound, and InvalidInput for a model that cannot be used.
    """
    found = _BY_NAME.get(name) or _in_a_folder(name) or _in_the_cache(name)
    if found is None:
        raise NotFound(f"There is no base model {name}.{_nearest(name)} List them with GET /v1/models.")
    return found


def is_listed(name: str) -> bool:
    """Whether the catalog itself has this name or Hugging Face id."""
    return name in _BY_NAME


def _in_a_folder(name: str) -> BaseModel | None:
    folder = folders.folder_of(name)
    return None if folder is None else folders.described(name, folder)


def _in_the_cache(name: str) -> BaseModel | None:
    found = hub.cached(name) if hub.is_id(name) else None
    return None if found is None else facts.describe(name, found, hf_id=hub.split(name)[0])


def _nearest(name: str) -> str:
    match = process.extractOne(name, [entry.name for entry in ENTRIES], score_cutoff=60)
    return f" Did you mean {match[0]}?" if match else ""
