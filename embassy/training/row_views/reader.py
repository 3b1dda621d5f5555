"""How rows are read: by which base model, for which kind of training, up to which length."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from embassy.catalog import selectors as catalog
from embassy.catalog import weights
from embassy.catalog.base_model import BaseModel
from embassy.datasets.models import Kind
from embassy.platform.errors import InvalidInput, Unavailable
from embassy.training.preflight.tokenizer import LightTokenizer

_KEPT = 4  # tokenizers in memory, some ten MB each


class Reading(StrEnum):
    """What a kind of training makes of a row."""

    ANSWERS = "answers"  # the assistant's turns are learned
    HEAD = "head"  # the question is read, a label or number is learned
    PREFERENCE = "preference"  # two answers are compared
    PAIR = "pair"  # two texts are compared


READINGS: dict[str, tuple[Reading, ...]] = {
    Kind.PROMPTS: (Reading.ANSWERS, Reading.HEAD),
    Kind.PREFERENCES: (Reading.PREFERENCE,),
    Kind.PAIRS: (Reading.PAIR,),
}
# Technique and task whose rules say how long a row may be.
_RULES = {
    Reading.ANSWERS: ("SFT", "text-generation"),
    Reading.HEAD: ("SFT", "classification"),
    Reading.PREFERENCE: ("DPO", "text-generation"),
    Reading.PAIR: ("SFT", "embedding"),
}
_TASKS = {Reading.PAIR: "embedding", Reading.HEAD: "classification"}


@dataclass(frozen=True)
class Reader:
    """`max_length` is in tokens."""

    model: BaseModel
    tokenizer: LightTokenizer
    reading: Reading
    max_length: int


def readers_models(reading: Reading) -> list[BaseModel]:
    """Base models that such rows can train and whose tokenizer is on this machine."""
    task = _TASKS.get(reading, "text-generation")
    return [
        model for model in catalog.list_base_models() if task in model.task_types and _has_tokenizer(model)
    ]


def make_reader(model_name: str, reading: Reading, max_length: int | None = None) -> Reader:
    """`max_length` None is the model's default. Raises NotFound, Unavailable or InvalidInput."""
    model = catalog.get_base_model(model_name)
    folder = weights.folder_here(model.name)
    tokenizer = _read(folder) if folder else None
    if tokenizer is None:
        raise Unavailable(
            f"The tokenizer of {model.name} is not on this machine. It is fetched when a job trains on it;"
            " put the model's folder under EMBASSY_MODELS_DIRS to look before.",
            code="base_model_unavailable",
        )
    if reading in (Reading.ANSWERS, Reading.PREFERENCE) and not tokenizer.chat_template:
        raise InvalidInput(f"{model.name} has no chat template. Choose a model that has.")
    return Reader(model, tokenizer, reading, max_length or default_length(model, reading))


def default_length(model: BaseModel, reading: Reading) -> int:
    """What training takes if nobody says otherwise, in tokens."""
    rules = {rule.name: rule for rule in model.rules(*_RULES[reading])}
    return int(rules["max_length"].default)


def _has_tokenizer(model: BaseModel) -> bool:
    folder = weights.folder_here(model.name)
    return folder is not None and (folder / "tokenizer.json").is_file()


def _read(folder: Path) -> LightTokenizer | None:
    path = folder / "tokenizer.json"
    return _cached(folder, path.stat().st_mtime_ns) if path.is_file() else None


@lru_cache(maxsize=_KEPT)
def _cached(folder: Path, _changed_at: int) -> LightTokenizer | None:
    return LightTokenizer.read(folder)
