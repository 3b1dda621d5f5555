"""The audit log: who did what, for owners and admins."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, time, timedelta

import orjson
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date

from embassy.console.views.page import Page
from embassy.platform.csv_lines import csv_lines
from embassy.platform.errors import Forbidden, InvalidInput
from embassy.projects import audit_log
from embassy.projects.audit_log import Filter
from embassy.projects.models import AuditEvent

COLUMNS = ("time", "person", "key", "what", "subject", "details")
MAX_ID = 2**63 - 1


class AuditPage(Page):
    scope = "audit"
    section = "audit"

    def enter(self) -> None:
        if not self.visitor.is_admin:
            raise Forbidden("The audit log is for owners and admins of the organization. Ask one of them.")


class AuditLog(AuditPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            wanted, error = _filter(request.GET), None
        except InvalidInput as wrong:
            wanted, error = Filter(), wrong
        page = audit_log.page_of(
            audit_log.events_of(self.actor, wanted),
            older_than=_id(request.GET, "older"),
            newer_than=_id(request.GET, "newer"),
        )
        return self.page(
            "console/audit.html",
            status=200 if error is None else error.status,
            log=page,
            error=error,
            data=request.GET,
            query=_query(request.GET),
            verbs=audit_log.verbs_in(self.actor),
            people=audit_log.people_in(self.actor),
            nobody=audit_log.NOBODY,
        )


class ExportAuditLog(AuditPage):
    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        events = audit_log.events_of(self.actor, _filter(request.GET))
        response = StreamingHttpResponse(_csv(events), content_type="text/csv; charset=utf-8")
        day = timezone.now().strftime("%Y-%m-%d")
        response["Content-Disposition"] = f'attachment; filename="audit-log-{day}.csv"'
        return response


def _filter(data: QueryDict) -> Filter:
    """Raises InvalidInput for what is no day."""
    last = _day(data.get("until", ""))
    return Filter(
        user=data.get("person", ""),
        verb=data.get("verb", ""),
        subject=data.get("subject", "").strip(),
        since=_day(data.get("since", "")),
        until=last + timedelta(days=1) if last else None,
    )


def _day(given: str) -> datetime | None:
    """Its beginning, in UTC."""
    if not given:
        return None
    try:
        day = parse_date(given)
    except ValueError:  # well formed, and no such day
        day = None
    if day is None or day.year >= 9999:
        raise InvalidInput(f"{given} is not a day. Write days as YYYY-MM-DD.")
    return datetime.combine(day, time.min, tzinfo=UTC)


def _id(data: QueryDict, name: str) -> int | None:
    given = data.get(name, "")
    return min(int(given), MAX_ID) if given.isascii() and given.isdigit() and len(given) < 20 else None


def _query(data: QueryDict) -> str:
    """The filters alone, to go on with."""
    kept = data.copy()
    for name in ("older", "newer"):
        kept.pop(name, None)
    return kept.urlencode()


async def _csv(events: audit_log.Events) -> AsyncIterator[str]:
    """A part at a time: however long the log is, it is never in memory as a whole."""
    yield csv_lines([COLUMNS])
    chunks = audit_log.chunks_of(events)
    next_chunk = sync_to_async(lambda: next(chunks, None))
    while (chunk := await next_chunk()) is not None:
        yield csv_lines(_cells(event) for event in chunk)


def _cells(event: AuditEvent) -> Iterable[str]:
    return (
        event.created_at.isoformat(timespec="seconds"),
        event.user.email if event.user else "",
        event.key_prefix,
        event.verb,
        event.subject,
        orjson.dumps(event.data).decode() if event.data else "",
    )
