"""Reads of request logs. Whoever may see the deployment may see its logs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from embassy.deployments.models import Deployment
from embassy.inference.models import RequestLog
from embassy.platform.errors import InvalidInput, NotFound

SUCCESS, ERROR = "success", "error"
CHUNK = 100  # rows in memory while logs are read one after the other

Logs = QuerySet[RequestLog, RequestLog]


@dataclass(frozen=True)
class LogFilter:
    """`status` is an HTTP status, success or error; `text` is looked for in requests and responses."""

    status: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


def logs_of(deployment: Deployment, wanted: LogFilter) -> Logs:
    """Newest first, without the bodies."""
    return _filtered(deployment, wanted).defer("request", "response")


def page_of(
    deployment: Deployment, wanted: LogFilter, *, before: str | None, limit: int
) -> tuple[list[RequestLog], str | None]:
    """At most `limit` logs, older than the one with the id `before`; and the next `before` if any."""
    rows = logs_of(deployment, wanted)
    if before is not None:
        rows = rows.filter(pk__lt=_cursor(deployment, before))
    found = list(rows[: limit + 1])
    page = found[:limit]
    return page, page[-1].public_id if len(found) > limit else None


def get_log(deployment: Deployment, public_id: str) -> RequestLog:
    row = RequestLog.objects.filter(deployment=deployment, public_id=public_id).first()
    if row is None:
        raise NotFound(f"Deployment {deployment.name} has no log {public_id}. It may be past its retention.")
    return row


def logs_for_rows(
    deployment: Deployment, wanted: LogFilter, *, only_successful: bool
) -> Iterator[RequestLog]:
    """Newest first, a few at a time. What is truncated or without a response is left out."""
    rows = _filtered(deployment, wanted).filter(is_truncated=False, response__isnull=False)
    if only_successful:
        rows = rows.filter(status=200)
    return rows.iterator(chunk_size=CHUNK)


def _filtered(deployment: Deployment, wanted: LogFilter) -> Logs:
    rows = RequestLog.objects.filter(deployment=deployment).order_by("-id")
    if wanted.status:
        rows = rows.filter(_has_status(wanted.status))
    if wanted.since:
        rows = rows.filter(created_at__gte=wanted.since)
    if wanted.until:
        rows = rows.filter(created_at__lt=wanted.until)
    return _with_text(rows, wanted.text) if wanted.text else rows


def _has_status(status: str) -> Q:
    if status == SUCCESS:
        return Q(status__lt=400)
    if status == ERROR:
        return Q(status__gte=400)
    return Q(status=int(status))


def _with_text(rows: Logs, text: str) -> Logs:
    # As it stands in JSON: quotes and line breaks are escaped there.
    written = orjson.dumps(text.replace("\0", "")).decode()[1:-1]
    bodies: dict[str, Any] = {f"{name}_text": Cast(name, TextField()) for name in ("request", "response")}
    return rows.alias(**bodies).filter(
        Q(request_text__icontains=written) | Q(response_text__icontains=written)
    )


def _cursor(deployment: Deployment, public_id: str) -> int:
    pks = RequestLog.objects.filter(deployment=deployment, public_id=public_id).values_list("pk", flat=True)
    pk = pks.first()
    if pk is None:
        raise InvalidInput(f"before: there is no log {public_id} any more. Begin again without it.")
    return pk
