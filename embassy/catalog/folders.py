"""Models that an administrator put into one of MODELS_DIRS: a folder each, named NAME or OWNER/NAME."""

import logging
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from embassy.catalog import facts
from embassy.catalog.base_model import BaseModel
from embassy.platform.errors import InvalidInput
from embassy.platform.logs import fields

log = logging.getLogger(__name__)


def folder_of(name: str) -> Path | None:
    """The folder of that name under one of MODELS_DIRS, if it holds a model."""
    for root in settings.MODELS_DIRS:
        folder = (root / name).resolve()
        # A name is a user's input: it must not lead out of the folders that hold models.
        if folder.is_relative_to(root.resolve()) and (folder / "config.json").is_file():
            return folder
    return None


def described(name: str, folder: Path) -> BaseModel:
    """Raises InvalidInput that says why the model in the folder cannot be used."""
    try:
        changed_at = _changed_at(folder)
    except OSError as error:
        raise InvalidInput(
            f"The folder of {name} cannot be read ({type(error).__name__}). Mend its permissions.",
            code="base_model_unusable",
        ) from error
    return _described(name, folder, changed_at)


def usable(*, known: Collection[str]) -> list[BaseModel]:
    """The models in all folders, by name, but for those whose name is known already."""
    found: dict[str, BaseModel] = {}
    for name, folder in _all():
        if name in known or name in found:
            continue
        try:
            found[name] = described(name, folder)
        except InvalidInput as error:
            log.debug("model.unusable", extra=fields(model=name, reason=error.message))
    return [found[name] for name in sorted(found)]


def _all() -> Iterator[tuple[str, Path]]:
    for root in settings.MODELS_DIRS:
        for pattern in ("*/config.json", "*/*/config.json"):
            for config in root.glob(pattern):
                folder = config.parent
                # A part of a model, such as the pooling of an embedding model, is none.
                if not (folder.parent / "config.json").is_file():
                    yield str(folder.relative_to(root)), folder.resolve()


def _changed_at(folder: Path) -> tuple[int, ...]:
    """Grows with every file that is put there: a folder that is still being filled is looked at again."""
    return (folder.stat().st_mtime_ns, *(path.stat().st_mtime_ns for path in sorted(folder.glob("*.json"))))


@lru_cache(maxsize=256)
def _described(name: str, folder: Path, _changed: tuple[int, ...]) -> BaseModel:
    return facts.describe(name, facts.of_folder(folder))
