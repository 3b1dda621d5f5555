"""Digests of the files of an archive."""

import hashlib
from collections.abc import Mapping
from pathlib import Path


def digests(folder: Path, pattern: str = "*", *, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """SHA-256 of each file that matches, by its name in the folder; those in `known` are not read again."""
    found = dict(known or {})
    for path in sorted(folder.rglob(pattern)):
        name = str(path.relative_to(folder))
        if path.is_file() and name not in found:
            with path.open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return dict(sorted(found.items()))
