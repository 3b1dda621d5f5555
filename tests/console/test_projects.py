from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent, Project
from tests.factories.deployments import make_deployment, make_job
from tests.factories.projects import make_project
from tests.factories.usage import account_for, spend

EVIL = '<script>alert("x")</script>'


def text_of(client: Client, address: str, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    text: str = answer.content.decode()
    return text


def test_creates_a_project_and_opens_it(member: Client, db: None) -> None:
    answer = member.post("/console/", {"name": "Tickets"})
    project = Project.objects.get(name="Tickets")
    assert answer.headers["Location"] == f"/console/projects/{project.public_id}"
    assert "First, upload a data set" in member.get(answer.headers["Location"]).content.decode()


def test_names_are_escaped(member: Client) -> None:
    location = member.post("/console/", {"name": EVIL}).headers["Location"]
    for address in ("/console/", location, "/console/search?q=script"):
        page = member.get(address).content.decode()
        assert EVIL not in page
        assert "&lt;script&gt;" in page


@pytest.mark.parametrize("name", ["x" * 121, " ", "a\tb"])
def test_a_name_that_cannot_be_is_told_beside_the_field(member: Client, name: str) -> None:
    answer = member.post("/console/", {"name": name})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "up to 120" in page
    assert 'aria-describedby="project-error"' in page
    assert f'value="{name}"' in page
    assert not Project.objects.exists()


def test_renames_a_project(member: Client, home: str, project: Project) -> None:
    assert member.post(f"{home}/rename", {"name": " Letters "}).headers["Location"] == home
    assert "support is called Letters now" in text_of(member, home)
    assert AuditEvent.objects.filter(verb="project.renamed", subject=project.public_id).exists()


def test_a_new_name_that_cannot_be_is_told_beside_the_field(
    member: Client, home: str, project: Project
) -> None:
    answer = member.post(f"{home}/rename", {"name": "x" * 121})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert 'aria-describedby="rename-error"' in page
    assert "x" * 121 in page
    project.refresh_from_db()
    assert project.name == "support"


def test_the_dialog_tells_what_goes_along(member: Client, home: str) -> None:
    page = text_of(member, home)
    assert "0 data sets" in page
    assert "Delete all of it" in page
    assert "to confirm" not in page


def test_deletes_a_project(member: Client, home: str, project: Project) -> None:
    assert member.post(f"{home}/delete").headers["Location"] == "/console/"
    assert "has been deleted" in member.get("/console/").content.decode()
    assert member.get(home).status_code == 404


def test_one_with_deployments_is_deleted_by_name_alone(
    member: Client, home: str, project: Project, actor: Actor
) -> None:
    make_deployment(project, actor=actor)
    assert "to confirm" in text_of(member, home)
    for name in ("", "suport"):
        answer = member.post(f"{home}/delete", {"name": name})
        assert answer.status_code == 400
        assert "to delete it with its deployments" in answer.content.decode()
    assert member.post(f"{home}/delete", {"name": "support"}).headers["Location"] == "/console/"


def test_tiles_tell_what_was_asked_lately(viewer: Client, home: str, project: Project, actor: Actor) -> None:
    deployment = make_deployment(project, actor=actor)
    make_job(project)
    now = timezone.now()
    spend(account_for(actor, deployment), at=now, times=1234)
    spend(account_for(actor, deployment), at=now - timedelta(days=2), times=1)
    for address in (home, "/console/"):
        page = text_of(viewer, address)
        assert "1,234" in page, address
        assert "1,235 in 30 days" in page, address


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("tick", ["Old tickets", "new_tickets"]),
        ("old tick", ["Old tickets"]),
        ("OLD", ["Old tickets"]),
        ("cket", []),
    ],
)
def test_finds_projects_by_the_beginnings_of_words(
    viewer: Client, actor: Actor, text: str, names: list[str]
) -> None:
    for name in ("Old tickets", "new_tickets", "Letters"):
        make_project(actor, name=name)
    page = text_of(viewer, "/console/", q=text)
    assert [name for name in ("Old tickets", "new_tickets", "Letters") if name in page] == names
    assert names or "No project is called so" in page


def test_orders_projects(viewer: Client, actor: Actor) -> None:
    for name in ("beta", "Alpha"):
        make_project(actor, name=name)
    for order, first, second in (
        ("name", "Alpha", "beta"),
        ("new", "Alpha", "beta"),
        ("old", "beta", "Alpha"),
    ):
        page = text_of(viewer, "/console/", sort=order)
        assert page.index(f">{first}<") < page.index(f">{second}<"), order


def test_a_page_further_on_keeps_the_search(viewer: Client, actor: Actor) -> None:
    for number in range(25):
        make_project(actor, name=f"ticket {number}")
    assert "?q=ticket&amp;page=2" in text_of(viewer, "/console/", q="ticket")
