"""Models at Hugging Face: their files in the local cache, fetched when they are allowed to be.

The only module that sees huggingface_hub's exceptions. Only ids reach the library, never addresses: it asks
the hub that the server is configured for and no other host.
"""

import re
import shutil
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from httpx import HTTPError
from huggingface_hub import HfApi, constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import ModelInfo

from embassy.catalog import facts
from embassy.catalog.base_model import BaseModel
from embassy.catalog.facts import Facts
from embassy.platform.errors import InvalidInput, Unavailable

LONGEST_ID = 96
TIMEOUT_S = 20.0
MARGIN_BYTES = 1024**3  # of the disk, to be left free

_PART = r"[A-Za-z0-9][\w.-]*"
_ID = re.compile(rf"{_PART}/{_PART}")
_NAME = re.compile(rf"(?P<id>{_PART}/{_PART})(?:@(?P<revision>[0-9a-f]{{40}}))?")
_LINK = re.compile(
    r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<id>[^/?#@]+/[^/?#@]+)"
    r"(?:/(?:tree|commit)/(?P<revision>[\w./-]+?))?/?"
)
_SHARD = re.compile(r".+-\d{5}-of-(?P<count>\d{5})\.safetensors")
# Never pickles and never code: only what transformers and the engine read.
_FILES = ["*.safetensors", "*.json", "*.jinja", "*.model", "merges.txt", "vocab.txt"]
# What tells enough of a model to know whether it can be used.
_TELLING = ("config.json", "tokenizer_config.json", "chat_template.jinja", "sentence_bert_config.json")

T = TypeVar("T")


def parse_link(link: str) -> tuple[str, str]:
    """`owner/name` and the revision, if any, from `owner/name[@revision]` or a page's address.

    Raises InvalidInput.
    """
    match = _LINK.fullmatch(link.strip())
    plain, _, asked = link.strip().partition("@")
    hf_id, revision = (match["id"], match["revision"] or "") if match else (plain, asked)
    if not _ID.fullmatch(hf_id) or len(hf_id) > LONGEST_ID or ".." in hf_id + revision:
        raise InvalidInput(
            "hf_model_link: this is no Hugging Face model. Give owner/name or https://huggingface.co/owner/name."
        )
    return hf_id, revision


def is_id(name: str) -> bool:
    """Whether this may name a model at Hugging Face: `owner/name`, or that with a commit."""
    return _NAME.fullmatch(name) is not None and len(split(name)[0]) <= LONGEST_ID


def split(name: str) -> tuple[str, str]:
    """`owner/name` and the commit, empty if the name pins none."""
    hf_id, _, revision = name.partition("@")
    return hf_id, revision


def snapshot(name: str) -> Path:
    """The folder with the model's files, fetched if need be. Raises InvalidInput and Unavailable."""
    folder = folder_in_cache(name)
    if folder is not None and is_complete(folder):
        return folder
    hf_id, revision = split(name)
    info = _info(hf_id, revision)
    _check_room(hf_id, _bytes_of(info))
    return Path(_fetched(hf_id, lambda: snapshot_download(hf_id, revision=info.sha, allow_patterns=_FILES)))


def cached(name: str) -> Facts | None:
    """What the cache tells of a model, whether or not its weights are there as well."""
    folder = folder_in_cache(name)
    return None if folder is None else _facts_of(folder)


def describe(hf_id: str, revision: str) -> BaseModel:
    """A model with its revision pinned in its name. Raises InvalidInput for what cannot be used, Unavailable.

    The hub is asked unless all of it is here.
    """
    folder = folder_in_cache(f"{hf_id}@{revision}" if revision else hf_id)
    if folder is not None and is_complete(folder):
        return facts.describe(f"{hf_id}@{folder.name}", _facts_of(folder), hf_id=hf_id)
    info = _info(hf_id, revision)
    names = [sibling.rfilename for sibling in info.siblings or []]
    if "config.json" not in names:
        raise InvalidInput(f"{hf_id} has no config.json: it is no model that can be used.")
    for name in _TELLING:
        if name in names:
            _fetched(hf_id, lambda name=name: hf_hub_download(hf_id, name, revision=info.sha))  # type: ignore[misc]
    found = cached(f"{hf_id}@{info.sha}")
    if found is None:
        raise Unavailable(f"The files of {hf_id} cannot be kept in the cache.", code="base_model_unavailable")
    total = info.safetensors.total if info.safetensors else None
    known = Facts(
        config=found.config,
        files=names,
        has_chat_template=found.has_chat_template,
        parameters=total,
        longest=found.longest,
    )
    model = facts.describe(f"{hf_id}@{info.sha}", known, hf_id=hf_id)
    _check_room(hf_id, _bytes_of(info))
    return model


def is_complete(folder: Path) -> bool:
    """Whether all weights are there; small files alone make a folder too."""
    names = {path.name for path in folder.glob("*.safetensors")}
    shards = [match for name in names if (match := _SHARD.fullmatch(name))]
    if shards:
        return len(shards) == int(shards[0]["count"])
    return bool(names)


def _facts_of(folder: Path) -> Facts:
    found = facts.of_folder(folder)
    if is_complete(folder):
        return found
    # Checked when it was added; what is here now are only the files that tell of it.
    return Facts(
        config=found.config,
        files=None,
        has_chat_template=found.has_chat_template,
        longest=found.longest,
    )


def folder_in_cache(name: str) -> Path | None:
    """The snapshot in the cache, of the pinned revision or the one that was `main` when it was fetched."""
    hf_id, revision = split(name)
    try:
        path = hf_hub_download(hf_id, "config.json", revision=revision or None, local_files_only=True)
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return Path(path).parent


def _info(hf_id: str, revision: str) -> ModelInfo:
    return _fetched(
        hf_id,
        lambda: HfApi().model_info(hf_id, revision=revision or None, files_metadata=True, timeout=TIMEOUT_S),
    )


def _bytes_of(info: ModelInfo) -> int:
    wanted: Iterable[int] = (
        sibling.size or 0
        for sibling in info.siblings or []
        if any(fnmatch(sibling.rfilename, pattern) for pattern in _FILES)
    )
    return sum(wanted)


def _check_room(hf_id: str, needed: int) -> None:
    """Raises Unavailable if the download would fill the disk."""
    folder = Path(constants.HF_HUB_CACHE)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed + MARGIN_BYTES > free:
        raise Unavailable(
            f"{hf_id} takes {needed / 1024**3:.1f} GiB and {free / 1024**3:.1f} GiB of disk are free."
            " Make room in the cache of Hugging Face models, or choose a smaller model.",
            code="disk_full",
        )


def _fetched(hf_id: str, fetch: Callable[[], T]) -> T:
    if settings.HF_OFFLINE:
        raise Unavailable(
            f"{hf_id} is not on this machine and downloads are off (HF_HUB_OFFLINE). Put its folder under"
            " EMBASSY_MODELS_DIRS, or allow downloads.",
            code="base_model_unavailable",
        )
    try:
        return fetch()
    except GatedRepoError:
        raise InvalidInput(
            f"{hf_id} is gated at Hugging Face. Accept its licence there and set HF_TOKEN on the server.",
            code="base_model_gated",
        ) from None
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError):
        raise InvalidInput(
            f"Hugging Face has no model {hf_id}, or not this revision of it.", code="base_model_unknown"
        ) from None
    except (HfHubHTTPError, HTTPError, LocalEntryNotFoundError, OSError) as error:
        raise Unavailable(
            f"{hf_id} is not on this machine and Hugging Face cannot be reached ({type(error).__name__})."
            " Put its folder under EMBASSY_MODELS_DIRS, or try again later.",
            code="base_model_unavailable",
        ) from error
