"""The digest of a model's weights, so that evidence names the very numbers that a result stands on."""

import hashlib
import os
from pathlib import Path

from django.conf import settings


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and digests of the folder's safetensors files, sorted by name.

    Reading many gigabytes takes a while: the digest of a file is remembered for as long as it is unchanged.
    """
    lines = [f"{file_digest(path)}  {path.name}\n" for path in sorted(folder.glob("*.safetensors"))]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def file_digest(path: Path) -> str:
    real = path.resolve()
    stat = real.stat()
    identity = f"{real}:{stat.st_size}:{stat.st_mtime_ns}"
    name = hashlib.sha256(identity.encode()).hexdigest()
    note = Path(settings.CACHE_DIR) / "weights" / f"{name}.sha256"
    if note.is_file() and len(known := note.read_text(encoding="ascii").strip()) == 64:
        return known
    with real.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    note.parent.mkdir(parents=True, exist_ok=True)
    partial = note.with_name(f".{name}.{os.getpid()}")
    partial.write_text(f"{digest}\n", encoding="ascii")
    partial.replace(note)
    return digest
