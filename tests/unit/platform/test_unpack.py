"""Archives come back from object storage, where somebody may have put others in their place."""

import io
import tarfile
from pathlib import Path

import pytest

from embassy.platform.unpack import unpack


def archive(*members: tuple[str, bytes | None]) -> tarfile.TarFile:
    """Files with content, or what the name says where there is none."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content or b"")
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(info, io.BytesIO(content or b""))
    packed.seek(0)
    return tarfile.open(fileobj=packed)


def test_files_and_folders_come_out(tmp_path: Path) -> None:
    unpack(archive(("./a.json", b"{}"), ("deep/er/b.bin", b"\0")), tmp_path)

    assert (tmp_path / "a.json").read_bytes() == b"{}"
    assert (tmp_path / "deep" / "er" / "b.bin").read_bytes() == b"\0"


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/../../out"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(tarfile.TarError):
        unpack(archive((name, b"x")), folder)
    assert not (tmp_path / "out").exists()


def test_links_are_refused(tmp_path: Path) -> None:
    with pytest.raises(tarfile.TarError):
        unpack(archive(("link", None)), tmp_path)
