import csv
import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client

from embassy.platform.actor import Actor
from embassy.projects import audit_log
from embassy.projects.models import AuditEvent, Organization, Project
from tests.conftest import client_for
from tests.factories.audit import make_events
from tests.factories.projects import make_actor, make_key, make_member

URL = "/console/audit"


@pytest.fixture
def admin(organization: Organization) -> Client:
    client = Client()
    client.force_login(make_member(organization, role="admin"))
    return client


def subjects(client: Client, query: str = "") -> list[str]:
    page = client.get(f"{URL}?{query}").content.decode()
    return re.findall(r"<code>(ds-[\w-]+)</code>", page)


def exported(client: Client, query: str = "") -> list[list[str]]:
    answer = client.get(f"{URL}/export?{query}")
    assert isinstance(answer, StreamingHttpResponse)
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(async_to_sync(_whole)(answer).decode())))


async def _whole(answer: StreamingHttpResponse) -> bytes:
    return b"".join([part async for part in answer])


def test_is_for_owners_and_admins(owner: Client, admin: Client, member: Client, viewer: Client) -> None:
    for address in (URL, f"{URL}/export"):
        assert [client.get(address).status_code for client in (owner, admin, member, viewer)] == [
            200,
            200,
            403,
            403,
        ]
    assert URL not in member.get("/console/").content.decode()
    assert URL in owner.get("/console/").content.decode()


def test_tells_who_did_what_with_which_key(owner: Client, organization: Organization) -> None:
    key, plain = make_key(organization)
    client_for(plain).post("/v1/projects", {"name": "support"}, format="json")
    page = owner.get(URL).content.decode()
    assert "project.created" in page
    assert f"emb_{key.prefix}_…" in page
    assert "name: support" in page


def test_shows_nothing_of_another_organization(owner: Client, outsider: Client, actor: Actor) -> None:
    make_events(actor, 1, subject="ds-ours")
    assert subjects(owner) == ["ds-ours"]
    assert subjects(outsider) == []
    assert "ds-ours" not in str(exported(outsider))


def test_filters_by_person_verb_subject_and_time(
    owner: Client, actor: Actor, organization: Organization
) -> None:
    other = make_member(organization)
    make_events(actor, 1, subject="ds-a", at=datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC))
    make_events(actor, 1, subject="ds-b", verb="dataset.deleted", at=datetime(2026, 3, 2, tzinfo=UTC))
    make_events(actor, 1, subject="ds-c", user_id=other.pk, at=datetime(2026, 3, 3, tzinfo=UTC))
    make_events(actor, 1, subject="ds-d", user_id=None, at=datetime(2026, 3, 4, tzinfo=UTC))
    for query, expected in {
        "": ["ds-d", "ds-c", "ds-b", "ds-a"],
        f"person={other.public_id}": ["ds-c"],
        "person=platform": ["ds-d"],
        "person=user-nobody": [],
        "verb=dataset.deleted": ["ds-b"],
        "subject=ds-a": ["ds-a"],
        "since=2026-03-02": ["ds-d", "ds-c", "ds-b"],
        "until=2026-03-02": ["ds-b", "ds-a"],
        "since=2026-03-02&until=2026-03-03&verb=dataset.created": ["ds-c"],
    }.items():
        assert subjects(owner, query) == expected, query
        assert [row[4] for row in exported(owner, query)[1:] if row[4].startswith("ds-")] == expected, query


@pytest.mark.parametrize("query", ["since=tomorrow", "until=2026-02-30", "since=9999-12-31"])
def test_says_what_is_no_day_and_keeps_it(owner: Client, query: str) -> None:
    answer = owner.get(f"{URL}?{query}")
    assert answer.status_code == 400
    assert "Write days as YYYY-MM-DD" in answer.content.decode()
    assert query.split("=")[1] in answer.content.decode()
    assert owner.get(f"{URL}/export?{query}").status_code == 400


def test_pages_lead_to_and_fro_even_where_many_happened_at_once(owner: Client, actor: Actor) -> None:
    AuditEvent.objects.all().delete()
    rows = make_events(actor, 2 * audit_log.PER_PAGE + 7)
    AuditEvent.objects.update(created_at=rows[0].created_at)
    for number, row in enumerate(rows):
        AuditEvent.objects.filter(pk=row.pk).update(subject=f"ds-{number}")
    newest_first = [f"ds-{number}" for number in reversed(range(len(rows)))]

    pages, query = [], ""
    for _ in range(3):
        page = owner.get(f"{URL}?{query}").content.decode()
        pages.append(re.findall(r"<code>(ds-[\w-]+)</code>", page))
        older = re.search(r"\?(older=\d+)", page)
        query = older.group(1) if older else ""
    assert [subject for page in pages for subject in page] == newest_first
    assert not query

    back = re.search(r"\?(newer=\d+)", page)
    assert back
    assert subjects(owner, back.group(1)) == pages[1]


def test_pages_keep_the_filters(owner: Client, actor: Actor) -> None:
    make_events(actor, audit_log.PER_PAGE + 1, verb="a&b")
    page = owner.get(f"{URL}?verb=a%26b").content.decode()
    assert re.search(r"\?verb=a%26b&amp;older=\d+", page)
    for wrong in ("older=x", "older=99999999999999999999", "newer=9999999999999999999", "older=0"):
        assert owner.get(f"{URL}?{wrong}").status_code == 200


def test_an_event_of_another_organization_is_no_place_to_go_on_from(owner: Client) -> None:
    (theirs,) = make_events(make_actor(), 1)
    assert subjects(owner, f"older={theirs.pk}") == []


def test_the_export_holds_every_event_and_no_formula(
    owner: Client, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "CHUNK", 4)
    AuditEvent.objects.all().delete()
    make_events(actor, 11)
    make_events(actor, 1, subject='=HYPERLINK("https://evil.example")', data={"name": "a\nb"})
    head, newest, *others = exported(owner)
    assert head == ["time", "person", "key", "what", "subject", "details"]
    assert newest[4] == '\'=HYPERLINK("https://evil.example")'
    assert newest[5] == '{"name":"a\\nb"}'
    assert len(others) == 11


def test_more_events_cost_no_more_queries(
    owner: Client, actor: Actor, organization: Organization, django_assert_max_num_queries: Any
) -> None:
    for count in (1, 60):
        for _ in range(3):
            make_events(actor, count, user_id=make_member(organization).pk)
        with django_assert_max_num_queries(8):
            owner.get(URL)


def test_each_filter_is_answered_from_an_index(actor: Actor) -> None:
    """On a table with many rows; what Postgres would do with few says nothing."""
    wanted = (
        audit_log.Filter(),
        audit_log.Filter(verb="v"),
        audit_log.Filter(subject="s"),
        audit_log.Filter(user=audit_log.NOBODY),
        audit_log.Filter(since=datetime(2026, 1, 1, tzinfo=UTC)),
    )
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    for each in wanted:
        plan = audit_log.events_of(actor, each).order_by(*audit_log.NEWEST_FIRST)[:51].explain()
        assert "audit_by_" in plan, plan
        assert "Sort" not in plan, plan


def test_lists_what_can_be_chosen(actor: Actor, organization: Organization, project: Project) -> None:
    gone = make_member(organization)
    make_events(actor, 3, verb="zebra.fed", user_id=gone.pk)
    gone.memberships.all().delete()
    assert audit_log.verbs_in(actor) == ["api_key.created", "project.created", "zebra.fed"]
    assert gone in audit_log.people_in(actor)
    assert audit_log.verbs_in(make_actor()) == ["api_key.created"]
