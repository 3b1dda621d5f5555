"""SHA-256 sums of an exported folder, in the format of `sha256sum`."""

import hashlib
from pathlib import Path

SUMS = "SHA256SUMS"
LISTED = (".safetensors", ".json", ".jinja")


def sums(folder: Path) -> str:
    """One line per exported file, sorted by name."""
    files = sorted(path for path in folder.iterdir() if path.suffix in LISTED)
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def write_sums(folder: Path) -> None:
    """Writes `SHA256SUMS` into the folder."""
    (folder / SUMS).write_text(sums(folder))
