"""Unpacked once, checked, whole, and swept when nobody wants it any more."""

import hashlib
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from embassy.engines import archives
from embassy.engines.archives import DamagedArchive
from embassy.engines.keys import Archive
from embassy.platform.storage import get_storage
from embassy.platform.storage.interface import ObjectMissing
from tests.factories.deployments import store, store_adapter


def test_it_is_unpacked_once_under_its_checksum(settings: Settings) -> None:
    archive = store_adapter("a/1")
    folder = archives.adapter(archive)
    assert folder == settings.CACHE_DIR / "adapters" / archive.sha256
    assert {path.name for path in folder.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}

    get_storage().delete("a/1")
    assert archives.adapter(archive) == folder
    assert [path.name for path in folder.parent.iterdir()] == [archive.sha256]


@pytest.mark.parametrize(
    "files", [{"../escaped": b"x"}, {"/tmp/escaped": b"x"}, {"a/../../../escaped": b"x"}]
)
def test_nothing_is_written_outside(tmp_path: Path, files: dict[str, bytes]) -> None:
    archive = store("a/1", files)
    try:
        archives.adapter(archive)
    except DamagedArchive:
        pass
    assert all("adapters" in path.parts for path in tmp_path.rglob("escaped"))
    assert not Path("/tmp/escaped").exists()


def test_damage_is_found_and_leaves_nothing(settings: Settings) -> None:
    archive = store_adapter("a/1")
    with pytest.raises(DamagedArchive, match="checksum"):
        archives.adapter(Archive("a/1", "0" * 64))
    get_storage().put("a/2", b"not a tar at all")
    with pytest.raises(DamagedArchive, match="unpacked"):
        archives.adapter(Archive("a/2", hashlib.sha256(b"not a tar at all").hexdigest()))
    with pytest.raises(ObjectMissing):
        archives.adapter(Archive("a/3", archive.sha256))
    assert list((settings.CACHE_DIR / "adapters").iterdir()) == []


def test_sweep_takes_what_is_old_and_unwanted() -> None:
    wanted, unwanted = store_adapter("a/1", rank=4), store_adapter("a/2", rank=8)
    kept, gone = archives.adapter(wanted), archives.adapter(unwanted)
    archives.sweep("adapters", keep={wanted.sha256})
    assert gone.is_dir()  # used just now

    archives.sweep("adapters", keep={wanted.sha256}, now=time.time() + archives.UNUSED_S + 60)
    assert kept.is_dir()
    assert not gone.exists()
