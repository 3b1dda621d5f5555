"""Unpack a tar archive into a folder, and nothing but plain files and folders of it.

`tarfile`'s own `filter="data"` is not in Python 3.11.2, which Debian 12 ships.
"""

import tarfile
from pathlib import Path


def unpack(tar: tarfile.TarFile, folder: Path) -> None:
    """Raises tarfile.TarError for links, devices, and names that lead out of `folder`."""
    root = folder.resolve()
    for member in tar:
        if not (member.isfile() or member.isdir()):
            raise tarfile.ExtractError(f"{member.name} is neither a file nor a folder")
        if not (root / member.name).resolve().is_relative_to(root):
            raise tarfile.ExtractError(f"{member.name} leads out of the folder")
        tar.extract(member, root, set_attrs=False)
