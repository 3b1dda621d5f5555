"""Models at Hugging Face: their files in the local cache, fetched when they are allowed to be.

The only module that sees huggingface_hub's exceptions.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from huggingface_hub import hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from embassy.catalog.base_model import BaseModel
from embassy.platform.errors import InvalidInput, Unavailable

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_LINK = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?P<id>[^/?#]+/[^/?#]+)/?")
# Never pickles and never code: only what transformers and the engine read.
_FILES = ["*.safetensors", "*.json", "*.jinja", "*.model", "merges.txt", "vocab.txt"]


def parse_link(link: str) -> str:
    """`owner/name` from itself or from its page's address. Raises InvalidInput."""
    match = _LINK.fullmatch(link.strip())
    hf_id = match["id"] if match else link.strip()
    if not _ID.fullmatch(hf_id):
        raise InvalidInput(
            "hf_model_link: this is no Hugging Face model. Give owner/name or https://huggingface.co/owner/name."
        )
    return hf_id


def is_id(name: str) -> bool:
    return _ID.fullmatch(name) is not None


def snapshot(hf_id: str) -> Path:
    """The folder with the model's files, fetched if need be. Raises InvalidInput and Unavailable."""
    try:
        return Path(snapshot_download(hf_id, local_files_only=True, allow_patterns=_FILES))
    except LocalEntryNotFoundError:
        return Path(_fetched(hf_id, lambda: snapshot_download(hf_id, allow_patterns=_FILES)))


def cached_config(hf_id: str) -> dict[str, Any] | None:
    """The model's config.json if it is in the cache."""
    try:
        return _read(hf_hub_download(hf_id, "config.json", local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def fetch_config(hf_id: str) -> dict[str, Any]:
    """The model's config.json, fetched if need be. Raises InvalidInput and Unavailable."""
    cached = cached_config(hf_id)
    if cached is not None:
        return cached
    return _read(_fetched(hf_id, lambda: hf_hub_download(hf_id, "config.json")))


def describe(name: str, config: dict[str, Any], *, hf_id: str = "") -> BaseModel:
    """A catalog entry made from a model's own configuration. Raises InvalidInput for what cannot be used."""
    architectures = config.get("architectures") or [""]
    if not str(architectures[0]).endswith("ForCausalLM"):
        raise InvalidInput(
            f"{name} is a {architectures[0] or 'model of an unknown kind'}; only causal language models"
            " (…ForCausalLM) can be trained."
        )
    size = _estimate_size(config)
    return BaseModel(
        name=name,
        type="chat",
        hf_id=hf_id,
        context_length=int(config.get("max_position_embeddings") or 2048),
        size_parameters=size,
        dtype="float32" if size < 100_000_000 else "bfloat16",
    )


def _estimate_size(config: dict[str, Any]) -> int:
    hidden, layers = int(config.get("hidden_size") or 0), int(config.get("num_hidden_layers") or 0)
    inner, words = int(config.get("intermediate_size") or 4 * hidden), int(config.get("vocab_size") or 0)
    embeddings = words * hidden * (1 if config.get("tie_word_embeddings") else 2)
    return embeddings + layers * (4 * hidden * hidden + 3 * hidden * inner)


def _read(path: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return document


def _fetched(hf_id: str, fetch: Callable[[], str]) -> str:
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
        raise InvalidInput(f"Hugging Face has no model {hf_id}.", code="base_model_unknown") from None
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise Unavailable(
            f"{hf_id} is not on this machine and Hugging Face cannot be reached ({type(error).__name__})."
            " Put its folder under EMBASSY_MODELS_DIRS, or try again later.",
            code="base_model_unavailable",
        ) from error
