"""Writes on uploads. What comes after the last part is in check.py."""

import re
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone

from embassy.datasets import intake, names, work
from embassy.datasets.models import Upload, UploadPart
from embassy.datasets.states import WORK, WorkStatus
from embassy.datasets.uploads import limits
from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, InvalidInput, NotFound, TooLarge
from embassy.platform.storage import get_storage
from embassy.projects.models import Project

PART_URL_SECONDS = 3600

_SHA256 = re.compile(r"[0-9a-f]{64}")


def begin_upload(
    *, project: Project, file_name: str, size: int, identity: str, name: str | None = None, actor: Actor
) -> Upload:
    """A new upload of `size` bytes, or the one of this very file that the actor has begun here before.

    `identity` tells the file from any other, as far as its sender can. Raises InvalidInput and TooLarge.
    """
    if size < 1:
        raise InvalidInput("The file is empty.")
    if size > limits.MAX_BYTES:
        raise TooLarge(f"The file has more than {limits.MAX_BYTES >> 30} GB, the most that one may have.")
    if not _SHA256.fullmatch(identity):
        raise InvalidInput("identity: 64 hexadecimal digits are wanted.")
    own = Upload.objects.filter(project=project, created_by_id=actor.user_id, status=WorkStatus.UPLOADING)
    known = own.filter(identity=identity, size=size).exclude(parts="").first()
    return known or _begin(_new(project, file_name, size, name, actor), identity)


def store_file(
    *, project: Project, file: BinaryIO, file_name: str, size: int, name: str | None = None, actor: Actor
) -> Upload:
    """An upload of a file that is here as a whole already, ready to be checked."""
    upload = _new(project, file_name, size, name, actor)
    _save(upload)
    file.seek(0)
    get_storage().put(upload.key, file)
    return finish_upload(upload=upload)


def sign_part(*, upload: Upload, number: int, sha256: str = "") -> str:
    """Where to PUT this part, within an hour. `sha256` is what the part's bytes have, in hexadecimal.

    Raises InvalidInput, and Conflict for an upload that takes no more parts.
    """
    _check_uploading(upload)
    if not 1 <= number <= upload.part_count:
        raise InvalidInput(f"The file has the parts 1 to {upload.part_count}.")
    if sha256 and not _SHA256.fullmatch(sha256):
        raise InvalidInput("sha256: 64 hexadecimal digits are wanted.")
    if sha256:
        UploadPart.objects.update_or_create(upload=upload, number=number, defaults={"sha256": sha256})
    Upload.objects.filter(pk=upload.pk).update(expires_at=timezone.now() + limits.UNFINISHED_AGE)
    return get_storage().presigned_part(
        upload.key,
        upload.parts,
        number,
        size=upload.part_size(number),
        sha256=sha256,
        seconds=PART_URL_SECONDS,
    )


def stored_parts(upload: Upload) -> list[int]:
    """The numbers of the parts that are there, whole."""
    if not upload.is_uploading or not upload.parts:
        return []
    stored = get_storage().stored_parts(upload.key, upload.parts)
    return sorted(number for number, size in stored.items() if size == upload.part_size(number))


def finish_upload(*, upload: Upload) -> Upload:
    """All parts are there: check the file. Does nothing if that has begun. Raises Conflict if some lack."""
    if upload.parts and upload.is_uploading:
        there = set(stored_parts(upload))
        missing = [number for number in range(1, upload.part_count + 1) if number not in there]
        if missing:
            raise Conflict(
                f"{len(missing)} of {upload.part_count} parts are still missing, the first is {missing[0]}.",
                code="parts_missing",
            )
    with transaction.atomic():
        changes = {"reason": work.WAITING, "expires_at": timezone.now() + limits.FINISHED_AGE}
        sources = [WorkStatus.UPLOADING]
        if WORK.transition(upload, WorkStatus.WAITING, sources=sources, changes=changes):
            work.publish(upload)
    upload.refresh_from_db()
    return upload


def cancel_upload(*, upload: Upload) -> None:
    """Forget the upload and what has come of it. A dataset that it became stays."""
    remove(upload)


def remove(upload: Upload) -> None:
    """The row goes first: whoever is about to make a dataset of it finds that out. Repeatable."""
    made = Upload.objects.filter(pk=upload.pk).values_list("dataset_id", flat=True).first()
    upload.delete()
    if upload.parts:
        get_storage().drop_parts(upload.key, upload.parts)
    if upload.report_key:
        get_storage().delete(upload.report_key)
    if made is None and upload.status != WorkStatus.DONE:
        get_storage().delete_prefix(upload.prefix)


def purge() -> int:
    """Remove uploads that nobody goes on with, and reports that were read long ago; returns how many."""
    expired = Upload.objects.filter(expires_at__lt=timezone.now()).exclude(status=WorkStatus.RUNNING)
    found = list(expired.order_by("id"))
    for upload in found:
        remove(upload)
    return len(found)


def _new(project: Project, file_name: str, size: int, name: str | None, actor: Actor) -> Upload:
    file_name = names.clean_file_name(file_name)
    return Upload(
        project=project,
        created_by_id=actor.user_id,
        name=intake.checked_name(name, file_name),
        file_name=file_name,
        size=size,
        part_bytes=limits.part_bytes(size),
        expires_at=timezone.now() + limits.UNFINISHED_AGE,
        status=WorkStatus.UPLOADING,
    )


def _begin(upload: Upload, identity: str) -> Upload:
    upload.identity = identity
    upload.parts = get_storage().begin_parts(upload.key)
    _save(upload)
    return upload


@transaction.atomic
def _save(upload: Upload) -> None:
    # Locked, so that a project that is being deleted either sees this upload or refuses it.
    if not Project.objects.select_for_update().filter(pk=upload.project_id, deleted_at=None).exists():
        raise NotFound("The project has been deleted.")
    upload.save()


def _check_uploading(upload: Upload) -> None:
    if not upload.is_uploading or not upload.parts:
        raise Conflict("This upload takes no more parts.", code="upload_finished")
