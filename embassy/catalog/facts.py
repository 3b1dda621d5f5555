"""What the files of a model tell about it, and the catalog entry made of that."""

import json
import struct
from collections.abc import Collection
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from embassy.catalog.architectures import ADAPTABLE, ENCODERS, architecture, refusal
from embassy.catalog.base_model import TEXT_TASKS, BaseModel
from embassy.platform.errors import InvalidInput

SERVED_IN_FULL = 100_000_000  # parameters: below, a model is served in float32

_LENGTH = struct.Struct("<Q")
_LONGEST_HEADER = 100 * 1024**2
_TOKENIZERS = frozenset({"tokenizer.json", "tokenizer.model", "vocab.txt", "vocab.json"})


@dataclass(frozen=True, kw_only=True)
class Facts:
    """`parameters` is a count, None if not known; `longest` is a limit in tokens beside the config's.

    `files` None: not known here, and checked before.
    """

    config: dict[str, Any]
    files: Collection[str] | None
    has_chat_template: bool
    parameters: int | None = None
    longest: int | None = None


def of_folder(folder: Path) -> Facts:
    """Raises InvalidInput where the files make no sense."""
    try:
        return Facts(
            config=read_json(folder / "config.json"),
            files=[path.name for path in folder.iterdir()],
            has_chat_template=(folder / "chat_template.jinja").is_file()
            or has_template(folder / "tokenizer_config.json"),
            parameters=sum(count_parameters(path) for path in folder.glob("*.safetensors")),
            longest=read_json(folder / "sentence_bert_config.json").get("max_seq_length"),
        )
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise InvalidInput(
            f"The files of {folder.name} cannot be read ({type(error).__name__}). Put the model there again.",
            code="base_model_unusable",
        ) from error


def describe(name: str, facts: Facts, *, hf_id: str = "") -> BaseModel:
    """A catalog entry. Raises InvalidInput that says why a model cannot be trained or served here."""
    if reason := refusal(facts.config) or _missing(facts.files) or _without_template(facts):
        raise InvalidInput(f"{name} {reason}.", code="base_model_unusable")
    kind = architecture(facts.config)
    size = facts.parameters or estimate_size(facts.config)
    lengths = (facts.longest, facts.config.get("max_position_embeddings"), 2048)
    return BaseModel(
        name=name,
        type="embeddings" if kind in ENCODERS else "chat",
        hf_id=hf_id,
        context_length=next(int(length) for length in lengths if length),
        size_parameters=size,
        dtype="float32" if size < SERVED_IN_FULL else "bfloat16",
        task_types=("embedding",) if kind in ENCODERS else TEXT_TASKS,
        takes_adapters=kind in ADAPTABLE,
    )


def _missing(files: Collection[str] | None) -> str:
    if files is None:
        return ""
    if not any(name.endswith(".safetensors") for name in files):
        return "has no weights as safetensors; other formats can hold code and are not read"
    if not _TOKENIZERS & set(files):
        return "has no tokenizer"
    return ""


def _without_template(facts: Facts) -> str:
    if facts.has_chat_template or architecture(facts.config) in ENCODERS:
        return ""
    return (
        "has no chat template: what is asked could not be told from what is answered. Take its instruct"
        " version, or put a chat_template.jinja into its folder"
    )


def estimate_size(config: dict[str, Any]) -> int:
    """How many parameters a decoder of this configuration has, roughly."""
    hidden, layers = int(config.get("hidden_size") or 0), int(config.get("num_hidden_layers") or 0)
    inner, words = int(config.get("intermediate_size") or 4 * hidden), int(config.get("vocab_size") or 0)
    embeddings = words * hidden * (1 if config.get("tie_word_embeddings") else 2)
    return embeddings + layers * (4 * hidden * hidden + 3 * hidden * inner)


def count_parameters(path: Path) -> int:
    """In a safetensors file, from its header."""
    with path.open("rb") as file:
        length = _LENGTH.unpack(file.read(_LENGTH.size))[0]
        if length > _LONGEST_HEADER:
            raise ValueError(f"{path.name} is not a safetensors file")
        header = json.loads(file.read(length))
    return sum(prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def has_template(path: Path) -> bool:
    """Whether a tokenizer's configuration holds a chat template."""
    return bool(read_json(path).get("chat_template"))


def read_json(path: Path) -> dict[str, Any]:
    """Empty if there is no such file."""
    if not path.is_file():
        return {}
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
