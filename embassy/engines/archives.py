"""Weights from storage, unpacked once per host into a folder named by their SHA-256 and never changed after.

An engine reads an adapter's files again long after it loaded them, so `sweep` deletes only what no row names
and nobody has asked for in a day.
"""

import hashlib
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from django.conf import settings

from embassy.engines.keys import Archive
from embassy.platform.errors import InvalidInput
from embassy.platform.storage import get_storage
from embassy.platform.unpack import unpack

UNUSED_S = 24 * 3600


class DamagedArchive(InvalidInput):
    """The stored archive is not what was stored; nothing of it is used."""

    code = "damaged_archive"


def adapter(archive: Archive) -> Path:
    """The folder of an adapter. Raises DamagedArchive, ObjectMissing, Unavailable."""
    return _unpacked(archive, settings.CACHE_DIR / "adapters")


def model(archive: Archive) -> Path:
    """The folder of a whole model. Raises like `adapter`."""
    return _unpacked(archive, settings.CACHE_DIR / "models")


def sweep(kind: str, *, keep: Collection[str], now: float | None = None) -> None:
    """Delete the old unpacked archives ("adapters" or "models") whose SHA-256 is not in `keep`."""
    cutoff = (now or time.time()) - UNUSED_S
    for folder in (settings.CACHE_DIR / kind).glob("[0-9a-f]*"):
        if folder.name not in keep and folder.stat().st_mtime < cutoff:
            shutil.rmtree(folder, ignore_errors=True)


def _unpacked(archive: Archive, root: Path) -> Path:
    target = root / archive.sha256
    if target.is_dir():
        os.utime(target)  # for `sweep`
        return target
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=root) as scratch:
        packed, folder = Path(scratch) / "archive", Path(scratch) / "folder"
        get_storage().download(archive.key, packed)
        _check(packed, archive)
        _extract(packed, folder)
        _publish(folder, target)
    return target


def _check(packed: Path, archive: Archive) -> None:
    with packed.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != archive.sha256:
        raise DamagedArchive(f"The stored weights {archive.key} are damaged: their checksum is wrong.")


def _extract(packed: Path, folder: Path) -> None:
    folder.mkdir()
    try:
        with tarfile.open(packed) as tar:
            unpack(tar, folder)
    except tarfile.TarError as error:
        raise DamagedArchive(f"The stored weights cannot be unpacked: {error}.") from error


def _publish(folder: Path, target: Path) -> None:
    try:
        os.rename(folder, target)
    except OSError:
        # Another process unpacked the same archive meanwhile; theirs is as good as ours.
        if not target.is_dir():
            raise
