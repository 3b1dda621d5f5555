from django.test import Client

from embassy.projects.models import Project

EVIL = '<script>alert("x")</script>'


def test_creates_a_project_and_opens_it(member: Client, db: None) -> None:
    answer = member.post("/console/", {"name": "Tickets"})
    project = Project.objects.get(name="Tickets")
    assert answer.headers["Location"] == f"/console/projects/{project.public_id}"
    assert "First, upload a data set" in member.get(answer.headers["Location"]).content.decode()


def test_names_are_escaped(member: Client) -> None:
    location = member.post("/console/", {"name": EVIL}).headers["Location"]
    for address in ("/console/", location):
        page = member.get(address).content.decode()
        assert EVIL not in page
        assert "&lt;script&gt;" in page


def test_the_dialog_tells_what_goes_along(member: Client, home: str) -> None:
    page = member.get(home).content.decode()
    assert "0 data sets" in page
    assert "Delete all of it" in page


def test_deletes_a_project(member: Client, home: str, project: Project) -> None:
    assert member.post(f"{home}/delete").headers["Location"] == "/console/"
    assert "has been deleted" in member.get("/console/").content.decode()
    assert member.get(home).status_code == 404


def test_a_name_that_is_too_long_is_refused(member: Client) -> None:
    answer = member.post("/console/", {"name": "x" * 121})
    assert answer.status_code == 400
    assert "up to 120" in answer.content.decode()
