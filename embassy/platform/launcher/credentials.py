"""The secrets of one home, made once."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from embassy.platform.launcher.errors import LaunchError


@dataclass(frozen=True)
class Credentials:
    """What signs sessions and links, and what opens the two embedded stores."""

    secret_key: str
    postgres_password: str
    valkey_password: str


def load_credentials(path: Path) -> Credentials:
    """Read the credentials at `path`, or make them where there are none yet."""
    if not path.exists():
        _write(path, _generate())
    try:
        return Credentials(**json.loads(path.read_text()))
    except (ValueError, TypeError):
        raise LaunchError(
            f"{path} cannot be read as this platform's secrets. Restore it from a backup."
        ) from None


def _generate() -> Credentials:
    return Credentials(secrets.token_urlsafe(48), secrets.token_urlsafe(24), secrets.token_urlsafe(24))


def _write(path: Path, credentials: Credentials) -> None:
    write_private(path, json.dumps(asdict(credentials), indent=1))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; it appears whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
