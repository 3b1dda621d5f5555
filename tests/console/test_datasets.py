from io import BytesIO

from django.conf import settings
from django.test import Client

from embassy.datasets.models import Dataset
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.datasets import csv_bytes, make_dataset

BAD = b"input,expected_output\nhello,\nfine,yes\n"
HTMX = {"HX-Request": "true"}


def file(content: bytes, name: str = "sums.csv") -> BytesIO:
    stream = BytesIO(content)
    stream.name = name
    return stream


def test_uploads_and_shows_the_rows(member: Client, home: str) -> None:
    answer = member.post(f"{home}/datasets", {"file": file(csv_bytes()), "name": "sums"})
    dataset = Dataset.objects.get()
    assert answer.headers["Location"] == f"{home}/datasets/{dataset.public_id}"
    page = member.get(answer.headers["Location"]).content.decode()
    assert "What is 1 + 1?" in page
    assert dataset.name == "sums"


def test_a_script_is_sent_on_by_header(member: Client, home: str) -> None:
    answer = member.post(f"{home}/datasets", {"file": file(csv_bytes())}, headers=HTMX)
    assert answer.headers["HX-Redirect"] == f"{home}/datasets/{Dataset.objects.get().public_id}"


def test_takes_more_than_the_api_does(member: Client, home: str) -> None:
    rows = [(f"{'x' * 5000} {n}", str(n)) for n in range(1100)]
    content = csv_bytes(rows)
    assert len(content) > settings.API_UPLOAD_BYTES
    assert member.post(f"{home}/datasets", {"file": file(content)}).status_code == 302


def test_problems_are_a_table(member: Client, home: str) -> None:
    for headers in ({}, HTMX):
        answer = member.post(f"{home}/datasets", {"file": file(BAD)}, headers=headers)
        page = answer.content.decode()
        assert answer.status_code == 400
        assert "<td>2</td>" in page  # the line
        assert "<code>expected_output</code>" in page
        assert "Wanted" in page
    assert not Dataset.objects.exists()


def test_no_file_is_a_sentence(member: Client, home: str) -> None:
    answer = member.post(f"{home}/datasets", {})
    assert "Choose a file" in answer.content.decode()


def test_what_rows_hold_is_escaped(member: Client, home: str, project: Project, actor: Actor) -> None:
    evil = "<img src=x onerror=alert(1)>"
    dataset = make_dataset(project=project, actor=actor, content=csv_bytes([(evil, "2")]), name=evil)
    page = member.get(f"{home}/datasets/{dataset.public_id}").content.decode()
    assert evil not in page
    assert "&lt;img" in page


def test_downloads_and_deletes(member: Client, home: str, project: Project, actor: Actor) -> None:
    dataset = make_dataset(project=project, actor=actor)
    address = f"{home}/datasets/{dataset.public_id}"
    assert "/files/" in member.get(f"{address}/download").headers["Location"]
    assert member.post(f"{address}/delete").status_code == 302
    assert member.get(address).status_code == 404
