"""What the script of the upload form asks, from the first question to the report."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from embassy.console.middleware import policy
from embassy.datasets.models import Dataset, Upload
from embassy.datasets.states import WorkStatus
from embassy.datasets.uploads import limits
from embassy.platform.actor import Actor
from embassy.platform.storage import get_storage
from embassy.projects.models import Project
from tests.factories import uploads
from tests.factories.datasets import csv_bytes, jsonl_bytes
from tests.factories.uploads import make_refused_upload

PART = 1000
BEGIN: Mapping[str, Any] = {"file_name": "sums.csv", "identity": "a" * 64, "name": ""}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "part_bytes", lambda size: PART)


@pytest.mark.usefixtures("small_parts")
def test_a_file_in_parts_with_a_reload_between(member: Client, home: str) -> None:
    content = csv_bytes([(f"What is {n} + 1?", str(n + 1)) for n in range(200)])
    begin = {**BEGIN, "size": len(content), "name": "sums"}
    first = member.post(f"{home}/uploads/begin", begin).json()
    assert (first["status"], first["parts"]) == ("uploading", [])
    for number in range(1, first["part_count"] + 1):
        url = member.post(f"{first['address']}/parts/{number}").json()["url"]
        assert url.startswith("/files/")
        part = content[(number - 1) * PART : number * PART]
        assert uploads.put(f"http://testserver{url}", part).status_code == 200
        again = member.post(f"{home}/uploads/begin", begin).json()
        assert (again["id"], len(again["parts"])) == (first["id"], number)
    done = member.post(f"{first['address']}/finish").json()
    dataset = Dataset.objects.get()
    assert (done["status"], done["dataset"]) == ("done", f"{home}/datasets/{dataset.public_id}")
    assert (dataset.name, dataset.row_count) == ("sums", 200)
    assert member.post(f"{first['address']}/parts/1").json()["code"] == "upload_finished"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"size": "0"}, 400), ({"size": "many"}, 400), ({"identity": "x"}, 400), ({"name": "n" * 201}, 400)],
)
def test_what_cannot_begin_says_why(member: Client, home: str, wrong: dict[str, str], status: int) -> None:
    answer = member.post(f"{home}/uploads/begin", {**BEGIN, "size": "3", **wrong})
    assert (answer.status_code, set(answer.json())) == (status, {"error", "code"})
    assert not Upload.objects.exists()


def test_parts_that_lack_are_asked_for(member: Client, home: str) -> None:
    begun = member.post(f"{home}/uploads/begin", {**BEGIN, "size": "3"}).json()
    answer = member.post(f"{begun['address']}/finish")
    assert (answer.status_code, answer.json()["code"]) == (409, "parts_missing")


def test_an_unfinished_upload_is_listed_until_it_is_cancelled(member: Client, home: str) -> None:
    begun = member.post(f"{home}/uploads/begin", {**BEGIN, "size": "3"}).json()
    assert "Choose the same file again" in member.get(f"{home}/datasets").content.decode()
    assert member.post(f"{begun['address']}/cancel").status_code == 302
    assert "On their way" not in member.get(f"{home}/datasets").content.decode()


def test_a_big_file_is_left_to_the_workers(
    member: Client, home: str, monkeypatch: pytest.MonkeyPatch, project: Project, actor: Actor
) -> None:
    monkeypatch.setattr(limits, "AT_ONCE_BYTES", 10)
    content = csv_bytes()
    upload = uploads.begin(project, actor, content)
    uploads.send_all(upload, content)
    answer = member.post(f"{home}/uploads/{upload.public_id}/finish").json()
    assert (answer["status"], answer["dataset"]) == ("waiting", None)
    page = member.get(f"{home}/uploads").content.decode()
    assert 'hx-trigger="every 2s"' in page
    Upload.objects.update(status=WorkStatus.RUNNING, done_rows=7)
    assert "7 rows so far" in member.get(f"{home}/uploads").content.decode()


def test_a_report_counts_kinds_and_names_lines(
    member: Client, home: str, project: Project, actor: Actor
) -> None:
    content = csv_bytes([("", "1")] * 130) + b"one,two,three\n"
    upload = make_refused_upload(project, actor, content)
    page = member.get(f"{home}/uploads/{upload.public_id}/report").content.decode()
    assert "131 problems, the first 100 of them" in page
    assert "empty_field: 130" in page
    assert "wrong_field_count: 1" in page
    lines = member.get(f"{home}/uploads/{upload.public_id}/report.jsonl").getvalue().splitlines()
    assert len(lines) == 131
    table = member.get(f"{home}/uploads/{upload.public_id}/report.csv").getvalue().decode().splitlines()
    assert table[0] == "line,column,field,code,wrong,seen,wanted,offset"
    assert len(table) == 132
    assert table[-1].startswith("132,")


def test_no_cell_of_a_report_is_a_formula(member: Client, home: str, project: Project, actor: Actor) -> None:
    upload = make_refused_upload(project, actor, jsonl_bytes([{"prompt": {"a": 1}, "completion": "=1"}]))
    problem = {"line": -1, "wrong": "=1+1", "seen": "\t=2", "wanted": "@SUM(A1)", "field": "+1"}
    get_storage().put(upload.report_key, jsonl_bytes([problem]))
    answer = member.get(f"{home}/uploads/{upload.public_id}/report.csv").getvalue().decode()
    [_, row] = csv.reader(io.StringIO(answer))
    assert row == ["-1", "", "'+1", "", "'=1+1", "'\t=2", "'@SUM(A1)", ""]


def test_a_file_that_is_fine_has_no_report(member: Client, home: str, project: Project, actor: Actor) -> None:
    upload = make_refused_upload(project, actor, csv_bytes())
    for ending in ("", ".csv", ".jsonl"):
        assert member.get(f"{home}/uploads/{upload.public_id}/report{ending}").status_code == 404


def test_browsers_may_send_parts_to_the_bucket(settings: Settings) -> None:
    assert "connect-src" not in policy()
    settings.S3_BUCKET, settings.S3_ENDPOINT_URL = "b", "https://s3.example:9000/path"
    assert policy().endswith("connect-src 'self' https://s3.example:9000")
