"""Files, at `/openai/v1/files` and at `/v1/openai/v1/files`."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from embassy.llama_stack.files import services
from embassy.llama_stack.files.serializers import NEVER
from embassy.llama_stack.models import File
from embassy.platform.storage import get_storage
from embassy.projects.models import AuditEvent
from tests.conftest import client_for
from tests.factories.projects import make_key

OPENAI, CONTRACT = "/openai/v1/files", "/v1/openai/v1/files"
BOTH = pytest.mark.parametrize("url", [OPENAI, CONTRACT])


def upload(
    api: APIClient, url: str, content: bytes = b"hello", *, name: str = "notes.txt", **form: Any
) -> Any:
    body = {"file": SimpleUploadedFile(name, content), "purpose": "assistants", **form}
    return api.post(url, body, format="multipart")


def message_of(answer: Any) -> str:
    body = answer.json()
    return str(body["error"]["message"] if "error" in body else body["detail"])


@BOTH
def test_what_was_uploaded_comes_back(api: APIClient, url: str) -> None:
    made = upload(api, url).json()
    assert made["id"].startswith("file-")
    assert (made["object"], made["bytes"], made["filename"]) == ("file", 5, "notes.txt")
    assert api.get(f"{url}/{made['id']}").json() == made
    content = api.get(f"{url}/{made['id']}/content", headers={"Accept": "application/binary"})
    assert b"".join(content.streaming_content) == b"hello"
    assert content["Content-Type"] == "application/octet-stream"
    assert content["Content-Disposition"] == 'attachment; filename="notes.txt"'


def test_the_mounts_speak_of_the_same_file(api: APIClient) -> None:
    made = upload(api, OPENAI, purpose="user_data").json()
    assert (made["purpose"], made["expires_at"], made["status"]) == ("user_data", None, "processed")
    seen = api.get(f"{CONTRACT}/{made['id']}").json()
    assert (seen["purpose"], seen["expires_at"]) == ("assistants", NEVER)
    assert "status" not in seen


@BOTH
@pytest.mark.parametrize(
    "expiry",
    [
        {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"},
        {"expires_after": '{"anchor": "created_at", "seconds": 3600}'},
    ],
)
def test_it_expires(api: APIClient, url: str, expiry: dict[str, str]) -> None:
    made = upload(api, url, **expiry).json()
    assert made["expires_at"] - made["created_at"] == pytest.approx(3600, abs=1)
    File.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert api.get(f"{url}/{made['id']}").status_code == 404
    assert api.get(url).json()["data"] == []
    assert services.purge_expired() == 1
    assert not File.objects.exists()
    assert list(get_storage().list()) == []


@BOTH
def test_pages_go_on_after_an_id(api: APIClient, url: str) -> None:
    ids = [upload(api, url, name=f"{number}.txt").json()["id"] for number in range(5)]
    first = api.get(url, {"limit": 2}).json()
    assert [file["id"] for file in first["data"]] == ids[:2:-1]
    assert (first["first_id"], first["last_id"], first["has_more"]) == (ids[4], ids[3], True)
    second = api.get(url, {"limit": 3, "after": first["last_id"]}).json()
    assert [file["id"] for file in second["data"]] == ids[2::-1]
    assert not second["has_more"]
    rising = api.get(url, {"order": "asc"}).json()
    assert [file["id"] for file in rising["data"]] == ids


@BOTH
def test_an_empty_list(api: APIClient, url: str) -> None:
    assert api.get(url).json() == {
        "object": "list",
        "data": [],
        "first_id": "",
        "last_id": "",
        "has_more": False,
    }


@BOTH
def test_a_list_of_one_purpose(api: APIClient, url: str) -> None:
    upload(api, url)
    made = upload(api, url, purpose="batch").json()
    assert [file["id"] for file in api.get(url, {"purpose": "batch"}).json()["data"]] == [made["id"]]


@BOTH
def test_deleted_with_its_bytes(
    api: APIClient, url: str, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr("embassy.platform.enqueue.publish", lambda *task, **_: sent.append(task))
    made = upload(api, url).json()
    with django_capture_on_commit_callbacks(execute=True):
        answer = api.delete(f"{url}/{made['id']}")
    assert answer.json() == {"id": made["id"], "object": "file", "deleted": True}
    assert sent == [("files.purge", f"files/{made['id']}/")]
    services.purge_objects(prefix=sent[0][1])
    assert list(get_storage().list()) == []
    assert api.delete(f"{url}/{made['id']}").status_code == 404
    events = AuditEvent.objects.filter(verb__startswith="file.").order_by("id")
    assert [event.verb for event in events] == ["file.created", "file.deleted"]


@BOTH
@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"purpose": "anything"}, "purpose"),
        ({"content": b""}, "it is empty"),
        ({"expires_after": "soon"}, "expires_after"),
        ({"expires_after": '{"anchor": "created_at", "seconds": 5}'}, "3600"),
    ],
)
def test_what_is_wrong_is_told(api: APIClient, url: str, form: dict[str, Any], sentence: str) -> None:
    answer = upload(api, url, **form)
    assert answer.status_code == 400
    assert sentence in message_of(answer)
    assert not File.objects.exists()
    assert list(get_storage().list()) == []


def test_too_big(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_BYTES", 4)
    answer = upload(api, OPENAI)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "too_large")


@BOTH
def test_others_see_nothing(api: APIClient, other_api: APIClient, url: str) -> None:
    made = upload(api, url).json()
    assert other_api.get(url).json()["data"] == []
    for address in (f"{url}/{made['id']}", f"{url}/{made['id']}/content"):
        assert other_api.get(address).status_code == 404
    assert other_api.delete(f"{url}/{made['id']}").status_code == 404
    assert other_api.get(url, {"after": made["id"]}).status_code == 400
    assert File.objects.count() == 1


def test_each_mount_has_its_errors(api: APIClient, anonymous_api: APIClient) -> None:
    assert api.get(f"{CONTRACT}/file-none").json() == {
        "status": 404,
        "title": "Object not found",
        "detail": "There is no file file-none. List yours with GET /openai/v1/files.",
    }
    assert api.get(f"{OPENAI}/file-none").json()["error"] == {
        "message": "There is no file file-none. List yours with GET /openai/v1/files.",
        "type": "invalid_request_error",
        "param": None,
        "code": "object_not_found",
    }
    assert anonymous_api.get(OPENAI).json()["error"]["type"] == "authentication_error"
    assert anonymous_api.get(CONTRACT).status_code == 401
    assert api.patch(OPENAI).status_code == 405


@BOTH
def test_a_key_without_the_scope(api: APIClient, url: str) -> None:
    made = upload(api, url).json()
    _, plain = make_key(File.objects.get().organization, scopes=("files:read",))
    reader = client_for(plain)
    assert reader.get(f"{url}/{made['id']}").status_code == 200
    assert upload(reader, url).status_code == 403
    assert reader.delete(f"{url}/{made['id']}").status_code == 403


def test_what_a_killed_upload_left_goes_after_a_day(api: APIClient) -> None:
    kept = upload(api, OPENAI).json()
    get_storage().put("files/file-lost/content", b"left")
    assert services.purge_orphans() == 0
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert services.purge_orphans() == 1
    assert list(get_storage().list()) == [f"files/{kept['id']}/content"]
