"""The trainers' logs, read piece by piece, without anything secret."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from embassy.platform.storage import get_storage
from embassy.platform.storage.interface import ObjectMissing
from embassy.training.models import TrainingJob

PIECE_BYTES = 256 * 1024
HIDDEN = b"[hidden]"
# Trainers are given no secrets. But their libraries may print whatever they meet.
_SECRETS = re.compile(rb"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)|\bhf_[A-Za-z0-9]{16,}|\bsk-[A-Za-z0-9_-]{16,}")
_SETTINGS = ("SECRET_KEY", "S3_SECRET_ACCESS_KEY")
_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


@dataclass(frozen=True)
class Piece:
    """Part of the log of one attempt, from `offset` bytes on. Going on from `next_offset` misses nothing."""

    attempt: int
    offset: int
    next_offset: int
    size: int
    text: str


def redacted(content: bytes) -> bytes:
    """The same without what must not be shown."""
    for secret in _known_secrets():
        content = content.replace(secret, HIDDEN)
    return _SECRETS.sub(HIDDEN, content)


def attempts_of(job: TrainingJob) -> list[int]:
    """The attempts that have a log, ascending."""
    names = {Path(key).stem for key in get_storage().list(job.log_key(0).rpartition("0")[0])}
    names |= {path.stem.replace("runner", "attempt") for path in _folder(job).glob("runner-*.log")}
    return sorted(int(name.rpartition("-")[2]) for name in names)


def read(job: TrainingJob, *, attempt: int, offset: int) -> Piece:
    """What that attempt said; as much as has come to us, while it runs."""
    content = _here(job, attempt)
    if content is None:
        content = _stored(job, attempt)
    end = min(offset + PIECE_BYTES, len(content))
    while end < len(content) and end > offset and content[end] & 0xC0 == 0x80:
        end -= 1  # no character is cut in two
    text = content[offset:end].decode("utf-8", errors="replace")
    return Piece(attempt, offset, max(end, offset), len(content), text)


def _here(job: TrainingJob, attempt: int) -> bytes | None:
    """From the run folder, if it is on this host."""
    try:
        return redacted((_folder(job) / f"runner-{attempt}.log").read_bytes())
    except FileNotFoundError:
        return None


def _stored(job: TrainingJob, attempt: int) -> bytes:
    try:
        return get_storage().read(job.log_key(attempt))
    except ObjectMissing:
        return b""


def _folder(job: TrainingJob) -> Path:
    return Path(settings.RUNS_DIR).absolute() / job.public_id


def _known_secrets() -> list[bytes]:
    values = [getattr(settings, name) for name in _SETTINGS] + [os.environ.get(name) for name in _VARIABLES]
    values.append(settings.DATABASES["default"].get("PASSWORD"))
    return [value.encode() for value in values if value and len(value) >= 8]
