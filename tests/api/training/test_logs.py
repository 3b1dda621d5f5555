"""GET …/training-jobs/{id}/logs"""

from pathlib import Path

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.platform.storage import get_storage
from embassy.projects.models import Project
from embassy.training import logs
from embassy.training.models import TrainingJob
from embassy.training.supervisor.folder import RunFolder
from embassy.training.supervisor.stored_log import StoredLog
from tests.factories.training import make_job


@pytest.fixture
def job(project: Project, actor: Actor) -> TrainingJob:
    return make_job(project=project, actor=actor)


def address(job: TrainingJob, query: str = "") -> str:
    return f"/v1/projects/{job.project.public_id}/training-jobs/{job.public_id}/logs{query}"


def write(job: TrainingJob, attempt: int, content: bytes) -> Path:
    path = RunFolder.of(job).log(attempt)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_what_is_stored(api: APIClient, job: TrainingJob) -> None:
    get_storage().put(job.log_key(1), b"one\n")
    get_storage().put(job.log_key(2), b"two\nlines\n")

    shown = api.get(address(job)).json()

    assert shown == {
        "attempt": 2,
        "attempts": [1, 2],
        "offset": 0,
        "next_offset": 10,
        "size": 10,
        "text": "two\nlines\n",
    }
    assert api.get(address(job, "?attempt=1")).json()["text"] == "one\n"
    assert api.get(address(job, "?offset=4")).json()["text"] == "lines\n"


def test_what_the_trainer_writes_just_now(api: APIClient, job: TrainingJob) -> None:
    path = write(job, 1, b"one\n")
    StoredLog(path, job.log_key(1)).store()
    path.write_bytes(b"one\ntwo\n")

    shown = api.get(address(job, "?offset=4")).json()

    assert (shown["text"], shown["next_offset"]) == ("two\n", 8)


def test_another_host_shows_what_is_stored_so_far(api: APIClient, job: TrainingJob) -> None:
    path = write(job, 1, b"one\n")
    stored = StoredLog(path, job.log_key(1))
    stored.store()
    path.write_bytes(b"one\ntwo\n")
    stored.store()
    RunFolder.of(job).remove()

    assert api.get(address(job)).json()["text"] == "one\ntwo\n"


def test_reading_on_misses_nothing(api: APIClient, job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "PIECE_BYTES", 10)
    text = "".join(f"Zeile {n} ü\n" for n in range(20)) + "without an end"
    get_storage().put(job.log_key(1), text.encode())

    offset, found = 0, ""
    while (piece := api.get(address(job, f"?offset={offset}")).json())["text"]:
        found, offset = found + piece["text"], piece["next_offset"]

    assert found == text


def test_nothing_secret_is_shown(api: APIClient, job: TrainingJob, settings: Settings) -> None:
    settings.S3_SECRET_ACCESS_KEY = "the-secret-of-the-bucket"
    lines = (
        "postgresql://embassy:hunter22@db/embassy",
        "token hf_abcdefghijklmnopqrstuvwxyz",
        "the-secret-of-the-bucket",
        settings.SECRET_KEY,
        "a step took 3 s",
    )
    path = write(job, 1, "\n".join(lines).encode())
    StoredLog(path, job.log_key(1)).store()
    here = api.get(address(job)).json()["text"]
    RunFolder.of(job).remove()

    for text in (here, api.get(address(job)).json()["text"]):
        assert "a step took 3 s" in text
        for secret in ("hunter22", "abcdefghij", "the-secret", settings.SECRET_KEY):
            assert secret not in text


@pytest.mark.parametrize("query", ["", "?attempt=3"])
def test_no_log_yet(api: APIClient, job: TrainingJob, query: str) -> None:
    answer = api.get(address(job, query))

    assert (answer.status_code, answer.json()["code"]) == (404, "no_log")


@pytest.mark.parametrize("query", ["?attempt=0", "?attempt=x", "?offset=-1"])
def test_a_bad_query(api: APIClient, job: TrainingJob, query: str) -> None:
    assert api.get(address(job, query)).status_code == 400


def test_other_tenant(other_api: APIClient, job: TrainingJob) -> None:
    assert other_api.get(address(job)).status_code == 404


def test_missing(api: APIClient, project: Project) -> None:
    answer = api.get(f"/v1/projects/{project.public_id}/training-jobs/tr-nothing/logs")

    assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")


def test_no_key(anonymous_api: APIClient, job: TrainingJob) -> None:
    assert anonymous_api.get(address(job)).status_code == 401


def test_wrong_method(api: APIClient, job: TrainingJob) -> None:
    assert api.post(address(job)).status_code == 405
