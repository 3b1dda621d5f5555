"""Writes on files: the object is stored first, so that a row always has its bytes."""

import hashlib
import os
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from datetime import datetime
from typing import BinaryIO

from django.db import transaction
from django.db.models.functions import Now

from embassy.llama_stack.models import File
from embassy.platform.actor import Actor
from embassy.platform.enqueue import enqueue
from embassy.platform.errors import InvalidInput, NotFound, TooLarge
from embassy.platform.storage import get_storage, orphans
from embassy.projects import audit

MAX_BYTES = 512 * 1024 * 1024
MAX_NAME = 255
FOLDER = "files"


def create_file(
    *, file: BinaryIO, name: str, purpose: str, expires_at: datetime | None = None, actor: Actor
) -> File:
    """`file` must be able to seek; it stays open. Raises InvalidInput and TooLarge."""
    row = File(
        organization_id=actor.organization_id,
        name=_checked_name(name),
        purpose=purpose,
        size=_checked_size(file),
        sha256=_digest(file),
        created_by_id=actor.user_id,
        expires_at=expires_at,
    )
    with ExitStack() as undo:
        undo.callback(get_storage().delete_prefix, row.prefix)
        get_storage().put(row.key, file)
        _save(row, actor)
        undo.pop_all()
    return row


@transaction.atomic
def delete_file(*, file: File, actor: Actor) -> None:
    """Raises NotFound if somebody else was faster."""
    deleted, _ = File.objects.filter(pk=file.pk).delete()
    if not deleted:
        raise NotFound(f"There is no file {file.public_id}.")
    audit.record("file.deleted", file.public_id, actor=actor, name=file.name)
    enqueue("files.purge", file.prefix)


def purge_objects(*, prefix: str) -> None:
    """Remove what a deleted file had in storage. Repeatable."""
    get_storage().delete_prefix(prefix)


def purge_expired() -> int:
    """Remove files whose time is over; returns how many. Objects go first: cut short, it is run again."""
    expired = list(File.objects.filter(expires_at__lte=Now())[:1000])
    for file in expired:
        purge_objects(prefix=file.prefix)
        file.delete()
    return len(expired)


def purge_orphans() -> int:
    """Remove day-old objects without a file; returns how many."""
    return orphans.purge_orphans(get_storage(), FOLDER, _known)


def _known(ids: Collection[str]) -> Iterable[str]:
    return File.objects.filter(public_id__in=ids).values_list("public_id", flat=True)


@transaction.atomic
def _save(file: File, actor: Actor) -> None:
    file.save()
    audit.record("file.created", file.public_id, actor=actor, name=file.name, purpose=file.purpose)


def _checked_name(name: str) -> str:
    name = "".join(letter for letter in os.path.basename(name.replace("\\", "/")) if letter.isprintable())
    if not name.strip() or len(name) > MAX_NAME:
        raise InvalidInput(f"file: give it a name of 1 to {MAX_NAME} characters.", details={"field": "file"})
    return name


def _checked_size(file: BinaryIO) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size == 0:
        raise InvalidInput("file: it is empty.", details={"field": "file"})
    if size > MAX_BYTES:
        raise TooLarge(f"file: it has more than {MAX_BYTES // 1024 // 1024} MB.", details={"field": "file"})
    return size


def _digest(file: BinaryIO) -> str:
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    return digest
