"""What the trainer said, on the page and as a file."""

import pytest
from django.test import Client

from embassy.platform.actor import Actor
from embassy.platform.storage import get_storage
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from tests.factories.training import make_job


@pytest.fixture
def job(project: Project, actor: Actor) -> TrainingJob:
    return make_job(project=project, actor=actor)


@pytest.fixture
def address(home: str, job: TrainingJob) -> str:
    return f"{home}/jobs/{job.public_id}/log"


def test_nothing_was_said_yet(member: Client, address: str) -> None:
    piece = member.get(address).json()

    assert (piece["attempts"], piece["text"], piece["is_finished"]) == ([], "", False)
    assert member.get(f"{address}/download").status_code == 404


def test_pieces_go_on_where_the_last_one_ended(member: Client, address: str, job: TrainingJob) -> None:
    get_storage().put(job.log_key(1), b"first\n")
    get_storage().put(job.log_key(2), b"step 1\nstep 2\n")

    newest = member.get(address).json()
    rest = member.get(address, {"attempt": 2, "offset": 7}).json()

    assert (newest["attempt"], newest["attempts"], newest["text"]) == (2, [1, 2], "step 1\nstep 2\n")
    assert (rest["text"], rest["next_offset"], rest["size"]) == ("step 2\n", 14, 14)
    assert member.get(address, {"attempt": 1}).json()["text"] == "first\n"


def test_downloads(member: Client, address: str, job: TrainingJob) -> None:
    get_storage().put(job.log_key(1), "größer\n".encode() * 50_000)

    answer = member.get(f"{address}/download")

    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert content == "größer\n".encode() * 50_000
    assert f"{job.name}-attempt-1.log" in answer.headers["Content-Disposition"]
    assert member.get(f"{address}/download?attempt=7").status_code == 404


def test_of_another_organization(outsider: Client, address: str) -> None:
    assert outsider.get(address).status_code == 404
    assert outsider.get(f"{address}/download").status_code == 404
