"""What a dataset and its file are called. Pure."""

import re
from pathlib import PurePath

MAX_NAME = 200
MAX_FILE_NAME = 255

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def clean(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()


def clean_file_name(text: str) -> str:
    """The last part of a path, its ending kept if it must be cut."""
    path = PurePath(clean(text).replace("\\", "/"))
    ending = path.suffix[:20]
    return (path.stem[: MAX_FILE_NAME - len(ending)] + ending) or "dataset"


def default_name(file_name: str) -> str:
    return PurePath(file_name).stem[:MAX_NAME] or "dataset"
