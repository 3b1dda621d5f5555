"""Reads of the audit trail: newest first, in pages that cost the same however long it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, User

Events = QuerySet[AuditEvent, AuditEvent]

PER_PAGE = 50
CHUNK = 2000
NOBODY = "platform"  # in place of a user's id: what nobody in particular did
NEWEST_FIRST = ("-created_at", "-id")
OLDEST_FIRST = ("created_at", "id")

# The next greater value again and again: Postgres would read every row for a plain DISTINCT.
DISTINCT = """
WITH RECURSIVE found(value) AS (
    (SELECT {column} FROM projects_auditevent
     WHERE organization_id = %(organization)s AND {column} IS NOT NULL ORDER BY {column} LIMIT 1)
    UNION ALL
    SELECT (SELECT {column} FROM projects_auditevent
            WHERE organization_id = %(organization)s AND {column} > found.value ORDER BY {column} LIMIT 1)
    FROM found WHERE found.value IS NOT NULL
)
SELECT value FROM found WHERE value IS NOT NULL LIMIT 500
"""


@dataclass(frozen=True)
class Filter:
    """What is empty or None filters nothing. `since` is the first moment, `until` the first one after."""

    user: str = ""  # public id, or NOBODY
    verb: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Page:
    """`newer` and `older` are the events next to which the neighbouring pages begin, if there are any."""

    events: list[AuditEvent]
    newer: int | None
    older: int | None


def events_of(actor: Actor, wanted: Filter) -> Events:
    events = AuditEvent.objects.filter(organization_id=actor.organization_id).select_related("user")
    if wanted.user == NOBODY:
        events = events.filter(user=None)
    elif wanted.user:
        events = events.filter(user_id__in=list(_user_pks(wanted.user)))
    if wanted.verb:
        events = events.filter(verb=wanted.verb)
    if wanted.subject:
        events = events.filter(subject=wanted.subject)
    if wanted.since:
        events = events.filter(created_at__gte=wanted.since)
    if wanted.until:
        events = events.filter(created_at__lt=wanted.until)
    return events


def page_of(events: Events, *, older_than: int | None = None, newer_than: int | None = None) -> Page:
    """The newest events, or those on one side of the event that has this id."""
    if newer_than is not None:
        found = list(_after(events, newer_than).order_by(*OLDEST_FIRST)[: PER_PAGE + 1])
        shown = found[:PER_PAGE][::-1]
        return Page(shown, newer=_first(shown, len(found) > PER_PAGE), older=_last(shown, bool(shown)))
    chosen = events if older_than is None else _before(events, older_than)
    found = list(chosen.order_by(*NEWEST_FIRST)[: PER_PAGE + 1])
    shown = found[:PER_PAGE]
    is_first = older_than is None
    return Page(shown, newer=_first(shown, not is_first), older=_last(shown, len(found) > PER_PAGE))


def chunks_of(events: Events) -> Iterator[list[AuditEvent]]:
    """All of them, newest first, a part at a time: each is a query of its own."""
    chunk = list(events.order_by(*NEWEST_FIRST)[:CHUNK])
    while chunk:
        yield chunk
        chunk = list(_beyond(events, chunk[-1]).order_by(*NEWEST_FIRST)[:CHUNK])


def verbs_in(actor: Actor) -> list[str]:
    return [str(value) for value in _distinct("verb", actor)]


def people_in(actor: Actor) -> "QuerySet[User, User]":
    """Whoever did something here, also if they have left since."""
    return User.objects.filter(pk__in=_distinct("user_id", actor)).order_by("email")


def _distinct(column: str, actor: Actor) -> list[int | str]:
    with connection.cursor() as cursor:
        cursor.execute(DISTINCT.format(column=column), {"organization": actor.organization_id})
        return [value for (value,) in cursor.fetchall()]


def _user_pks(public_id: str) -> "QuerySet[User, int]":
    return User.objects.filter(public_id=public_id).values_list("pk", flat=True)


def _before(events: Events, pk: int) -> Events:
    event = events.filter(pk=pk).first()
    return events.none() if event is None else _beyond(events, event)


def _beyond(events: Events, event: AuditEvent) -> Events:
    return events.filter(created_at__lte=event.created_at).exclude(
        created_at=event.created_at, pk__gte=event.pk
    )


def _after(events: Events, pk: int) -> Events:
    event = events.filter(pk=pk).first()
    if event is None:
        return events.none()
    return events.filter(created_at__gte=event.created_at).exclude(
        created_at=event.created_at, pk__lte=event.pk
    )


def _first(events: list[AuditEvent], there_are_more: bool) -> int | None:
    return events[0].pk if events and there_are_more else None


def _last(events: list[AuditEvent], there_are_more: bool) -> int | None:
    return events[-1].pk if events and there_are_more else None
