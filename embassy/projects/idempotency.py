"""Requests that may be sent again: each is carried out once, and its answer given again for a day.

A claim is a row with a lease. Whoever carries the request out holds its token, and stores the answer only
while that holds; a process that dies leaves a claim that another may take over.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, InProgress, InvalidInput
from embassy.projects.models import IdempotentRequest

KEPT = timedelta(hours=24)
RETRY_S = 2.0
MAX_ANSWER = 256 * 1024  # characters
NAME = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class Claim:
    """Ours to carry out; or, with a status, what was answered the first time."""

    pk: int
    token: str
    status: int | None = None
    answer: str = ""


def claim(*, actor: Actor, name: str, fingerprint: str, lease: timedelta) -> Claim:
    """Raises InvalidInput, Conflict for another request with this name, InProgress while it is under way."""
    if not NAME.fullmatch(name):
        raise InvalidInput("Idempotency-Key: use 1 to 255 printable ASCII characters without blanks.")
    row, token = _row(actor, name, fingerprint, lease)
    if token:
        return Claim(row.pk, token)
    if row.fingerprint != fingerprint:
        raise Conflict(
            "This Idempotency-Key came with another request before. Use a new one for each request.",
            code="idempotency_key_reused",
        )
    if row.answer_status is not None:
        return Claim(row.pk, "", row.answer_status, row.answer)
    if token := _taken_over(row, lease):
        return Claim(row.pk, token)
    raise InProgress(
        "The request with this Idempotency-Key is under way. Ask again in a moment.",
        code="idempotency_key_in_progress",
        retry_after=RETRY_S,
    )


def complete(*, claimed: Claim, status: int, answer: str) -> None:
    """Store the answer. Raises InProgress if the lease was lost and somebody else carries it out."""
    if len(answer) > MAX_ANSWER:
        release(claimed=claimed)  # too large to be kept: who asks again asks anew
        return
    rows = IdempotentRequest.objects.filter(pk=claimed.pk, token=claimed.token, answer_status=None)
    if not rows.update(answer_status=status, answer=answer):
        raise InProgress(
            "This request took too long and was begun again. Ask again in a moment.",
            code="idempotency_key_in_progress",
            retry_after=RETRY_S,
        )


def release(*, claimed: Claim) -> None:
    """It came to nothing: the next one with this name begins anew."""
    IdempotentRequest.objects.filter(pk=claimed.pk, token=claimed.token, answer_status=None).delete()


def purge() -> int:
    """Forget what is older than a day; returns how many."""
    return IdempotentRequest.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def fingerprint_of(method: str, address: str, body: Any) -> str:
    """The same for the same request, however its JSON or its form was written."""
    found = hashlib.sha256(f"{method} {address}\n".encode())
    if isinstance(body, Mapping) and hasattr(body, "lists"):  # a form, whose files are told by their content
        for field, values in sorted(body.lists()):
            for value in values:
                found.update(orjson.dumps([field, _described(value)]))
    else:
        found.update(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    return found.hexdigest()


def _described(value: Any) -> Any:
    if not isinstance(value, UploadedFile):
        return str(value)
    content = hashlib.sha256()
    for chunk in value.chunks():
        content.update(chunk)
    value.seek(0)
    return [value.name, content.hexdigest()]


def _row(actor: Actor, name: str, fingerprint: str, lease: timedelta) -> tuple[IdempotentRequest, str]:
    """The row of this name, and its token if it is new and so ours."""
    whose = {"organization_id": actor.organization_id, "api_key_pk": actor.key_id, "name": name}
    IdempotentRequest.objects.filter(**whose, created_at__lt=timezone.now() - KEPT).delete()
    token = secrets.token_hex(16)
    row, is_new = IdempotentRequest.objects.get_or_create(
        **whose,
        defaults={"fingerprint": fingerprint, "token": token, "lease_until": Now() + lease},
    )
    return row, token if is_new else ""


def _taken_over(row: IdempotentRequest, lease: timedelta) -> str:
    """A new token, if nobody holds the row any more."""
    token = secrets.token_hex(16)
    left = Q(pk=row.pk, token=row.token, answer_status=None, lease_until__lt=Now())
    taken = IdempotentRequest.objects.filter(left).update(token=token, lease_until=Now() + lease)
    return token if taken else ""
