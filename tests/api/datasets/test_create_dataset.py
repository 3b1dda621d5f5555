"""POST /v1/projects/{project_id}/datasets"""

import hashlib
from unittest.mock import patch

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.response import Response
from rest_framework.test import APIClient

from embassy.datasets.models import Dataset
from embassy.datasets.rows import iter_rows
from embassy.platform.actor import Actor
from embassy.platform.errors import Unavailable
from embassy.platform.storage import FileStorage, get_storage
from embassy.projects import services as projects
from embassy.projects.models import AuditEvent, Project
from tests.conftest import client_for
from tests.factories.datasets import csv_bytes, jsonl_bytes
from tests.factories.projects import make_key

LIMIT = 5 * 1024 * 1024


def upload(
    client: APIClient, project: Project, content: bytes, *, file_name: str = "sums.csv", **fields: str
) -> Response:
    file = SimpleUploadedFile(file_name, content)
    url = f"/v1/projects/{project.public_id}/datasets"
    return client.post(url, {"file": file, **fields}, format="multipart")


def assert_nothing_was_made() -> None:
    assert not Dataset.objects.exists()
    assert list(get_storage().list()) == []
    assert not AuditEvent.objects.filter(verb__startswith="dataset.").exists()


def padded(size: int) -> bytes:
    """A good file of exactly this many bytes."""
    start = b"input,expected_output\n"
    row = b"q," + b"a" * 97 + b"\n"
    rows = row * ((size - len(start)) // len(row) - 1)
    rest = size - len(start) - len(rows) - len(b"q,\n")
    return start + rows + b"q," + b"a" * rest + b"\n"


def test_it_works(api: APIClient, project: Project, actor: Actor) -> None:
    content = csv_bytes()
    answer = upload(api, project, content, name="Sums")
    dataset = Dataset.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": dataset.public_id,
        "name": "Sums",
        "created_at": int(dataset.created_at.timestamp()),
        "is_uploaded": True,
    }
    assert dataset.public_id.startswith("ds-")
    assert (dataset.kind, dataset.format, dataset.row_count) == ("prompts", "csv", 3)
    assert (dataset.file_name, dataset.original_bytes) == ("sums.csv", len(content))
    assert dataset.created_by_id == actor.user_id


def test_the_original_and_the_rows_are_stored(api: APIClient, project: Project) -> None:
    content = csv_bytes()
    upload(api, project, content)
    dataset, storage = Dataset.objects.get(), get_storage()
    assert storage.read(dataset.original_key) == content
    assert hashlib.sha256(content).hexdigest() == dataset.original_sha256
    assert hashlib.sha256(storage.read(dataset.rows_key)).hexdigest() == dataset.revision
    row = next(iter_rows(dataset))
    assert (row.line, row.input_text, row.expected_output) == (2, "What is 1 + 1?", "2")
    assert len(list(storage.list(dataset.prefix))) == 2


def test_it_is_audited(api: APIClient, project: Project, actor: Actor) -> None:
    upload(api, project, csv_bytes())
    event = AuditEvent.objects.get(verb="dataset.created")
    assert (event.subject, event.user_id) == (Dataset.objects.get().public_id, actor.user_id)


def test_json_lines_without_an_ending(api: APIClient, project: Project) -> None:
    answer = upload(api, project, jsonl_bytes([{"prompt": "q", "completion": "a"}]), file_name="data")
    assert answer.status_code == 201
    assert answer.json()["name"] == "data"
    assert Dataset.objects.get().format == "jsonl"


@pytest.mark.parametrize(
    ("file_name", "name", "expected"),
    [
        ("my data.v2.csv", "", "my data.v2"),
        ("sums.csv", "  ", "sums"),
        ("sums.csv", " Sums\t1 ", "Sums 1"),
        ("ünïcode.csv", "", "ünïcode"),
        (".csv", "", ".csv"),
    ],
)
def test_the_name(api: APIClient, project: Project, file_name: str, name: str, expected: str) -> None:
    assert upload(api, project, csv_bytes(), file_name=file_name, name=name).json()["name"] == expected


def test_the_same_file_again_is_another_dataset(api: APIClient, project: Project) -> None:
    first, second = (upload(api, project, csv_bytes()).json() for _ in range(2))
    assert first["id"] != second["id"]
    assert first["name"] == second["name"]
    assert len(set(Dataset.objects.values_list("revision", flat=True))) == 1


def test_wrong_method(api: APIClient, project: Project) -> None:
    answer = api.put(f"/v1/projects/{project.public_id}/datasets")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_no_key(anonymous_api: APIClient, project: Project) -> None:
    assert upload(anonymous_api, project, csv_bytes()).status_code == 401
    assert_nothing_was_made()


def test_a_key_that_may_only_read(project: Project) -> None:
    client = client_for(make_key(project.organization, scopes=["datasets:read"])[1])
    answer = upload(client, project, csv_bytes())
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert_nothing_was_made()


def test_other_tenant(other_api: APIClient, project: Project) -> None:
    answer = upload(other_api, project, csv_bytes())
    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")
    assert_nothing_was_made()


def test_a_key_of_other_projects(project: Project, actor: Actor) -> None:
    other = projects.create_project(name="other", actor=actor)
    client = client_for(make_key(project.organization, projects=[other])[1])
    assert upload(client, project, csv_bytes()).status_code == 404


def test_missing_and_deleted_projects(api: APIClient, project: Project, actor: Actor) -> None:
    projects.delete_project(project=project, actor=actor)
    assert upload(api, project, csv_bytes()).status_code == 404
    project.public_id = "ms-0000000000000000000000"
    assert upload(api, project, csv_bytes()).status_code == 404


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "file"),
        ({"file": "not a file, a text"}, "file"),
        ({"name": "x"}, "file"),
    ],
)
def test_no_file(api: APIClient, project: Project, fields: dict[str, str], says: str) -> None:
    answer = api.post(f"/v1/projects/{project.public_id}/datasets", fields, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert says in answer.json()["error"]


def test_a_name_that_is_too_long(api: APIClient, project: Project) -> None:
    answer = upload(api, project, csv_bytes(), name="x" * 201)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert_nothing_was_made()


def test_another_media_type(api: APIClient, project: Project) -> None:
    answer = api.post(f"/v1/projects/{project.public_id}/datasets", {"file": "x"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_broken_multipart_body(api: APIClient, project: Project) -> None:
    answer = api.post(
        f"/v1/projects/{project.public_id}/datasets", b"garbage", content_type="multipart/form-data"
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")


def test_too_many_fields(api: APIClient, project: Project) -> None:
    fields = {f"field{number}": "x" for number in range(1100)}
    answer = upload(api, project, csv_bytes(), **fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")
    assert_nothing_was_made()


def test_rows_with_problems(api: APIClient, project: Project) -> None:
    answer = upload(api, project, b"input,expected_output\nq,a\nq,\nq,a,b\n")
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (400, 400, "invalid_dataset")
    assert body["error"] == (
        "Line 3, column 2 (expected_output): it is empty. Give it a text, or remove the row."
        " There are 2 problems in all."
    )
    assert body["details"][0] == {
        "code": "empty_field",
        "line": 3,
        "column": 2,
        "field": "expected_output",
        "wrong": "it is empty",
        "wanted": "Give it a text, or remove the row.",
        "message": "Line 3, column 2 (expected_output): it is empty. Give it a text, or remove the row.",
    }
    assert [problem["line"] for problem in body["details"]] == [3, 4]
    assert_nothing_was_made()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"input,expected_output\n", "no_rows"),
        (b"question,answer\nq,a\n", "wrong_columns"),
        (b'{"prompt": "q", "completion": }\n', "invalid_json"),
        (b"input,expected_output\n\xff,a\n", "not_utf8"),
        (b"input,expected_output\nq\0,a\n", "nul_byte"),
        (b"PK\x03\x04" + bytes(50), "wrong_file_type"),
        (b'{"messages": [{"role": "bot", "content": "q"}]}\n', "unknown_role"),
    ],
)
def test_what_is_no_dataset(api: APIClient, project: Project, content: bytes, code: str) -> None:
    answer = upload(api, project, content)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_dataset")
    assert answer.json()["details"][0]["code"] == code
    assert_nothing_was_made()


def test_five_megabytes_are_taken(api: APIClient, project: Project) -> None:
    assert upload(api, project, padded(LIMIT)).status_code == 201


def test_one_byte_more_is_not(api: APIClient, project: Project) -> None:
    answer = upload(api, project, padded(LIMIT + 1))
    assert (answer.status_code, answer.json()["code"]) == (400, "too_large")
    assert "5 MB" in answer.json()["error"]
    assert f"{settings.PUBLIC_URL}/console/" in answer.json()["error"]
    assert_nothing_was_made()


def test_a_far_too_large_body_is_not_even_parsed(api: APIClient, project: Project) -> None:
    with patch("rest_framework.parsers.MultiPartParser.parse") as parse:
        answer = upload(api, project, padded(LIMIT + 100_000))
    assert (answer.status_code, answer.json()["code"]) == (400, "too_large")
    parse.assert_not_called()


def test_a_body_of_unknown_length(api: APIClient, project: Project) -> None:
    answer = api.post(
        f"/v1/projects/{project.public_id}/datasets",
        b"",
        content_type="multipart/form-data; boundary=x",
        headers={"Transfer-Encoding": "chunked", "Content-Length": ""},
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "length_required")


def test_nothing_remains_when_storage_fails_halfway(api: APIClient, project: Project) -> None:
    put = FileStorage.put

    def fail_on_rows(storage: FileStorage, key: str, source: object) -> None:
        if key.endswith("rows.jsonl"):
            raise Unavailable("The object storage cannot be reached at the moment.")
        put(storage, key, source)  # type: ignore[arg-type]

    with patch.object(FileStorage, "put", fail_on_rows):
        answer = upload(api, project, csv_bytes())
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert_nothing_was_made()


def test_nothing_remains_when_the_project_is_deleted_meanwhile(
    api: APIClient, project: Project, actor: Actor
) -> None:
    put = FileStorage.put

    def delete_project(storage: FileStorage, key: str, source: object) -> None:
        put(storage, key, source)  # type: ignore[arg-type]
        projects.delete_project(project=project, actor=actor)

    with patch.object(FileStorage, "put", delete_project):
        answer = upload(api, project, csv_bytes())
    assert answer.status_code == 404
    assert_nothing_was_made()
