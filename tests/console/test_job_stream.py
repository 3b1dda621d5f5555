"""A job's events for a browser, under the server: opened by a session."""

import asyncio

import pytest
from django.conf import settings
from django.test import Client

from embassy.console.job_stream import ConsoleStreams
from embassy.inference.database import ThreadDatabase
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training import lifecycle
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus
from tests.api.training.test_event_stream import events_in
from tests.factories.training import make_job

WAIT_S = 30.0


@pytest.fixture
def job(project: Project, actor: Actor) -> TrainingJob:
    """Ended: its stream ends by itself."""
    job = make_job(project=project, actor=actor)
    lifecycle.record_event(job, "step", step=1, loss=0.5)
    lifecycle.finish(job, JobStatus.CANCELLED, token=None)
    return job


def ask(client: Client, job: TrainingJob, query: str = "") -> tuple[int, str]:
    """Status and body of the answer to this browser."""
    path = f"/console/projects/{job.project.public_id}/jobs/{job.public_id}/events"
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"cookie", cookies.encode()), (b"host", b"testserver")],
    }
    status, body = 0, b""

    async def send(message: dict[str, object]) -> None:
        nonlocal status, body
        status = message.get("status", status)  # type: ignore[assignment]
        body += message.get("body", b"")  # type: ignore[operator]

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    async def whole() -> None:
        streams = ConsoleStreams(ThreadDatabase())
        assert streams.handles(scope)
        try:
            async with asyncio.timeout(WAIT_S):
                await streams(scope, receive, send)  # type: ignore[arg-type]
        finally:
            await streams.stop()

    asyncio.run(whole())
    return status, body.decode()


@pytest.mark.django_db(transaction=True)
class TestUnderTheServer:
    def test_what_has_happened(self, member: Client, job: TrainingJob) -> None:
        status, body = ask(member, job)

        assert status == 200
        assert [event["event"] for event in events_in(body)] == ["status", "step", "status"]
        assert events_in(body)[1]["details"] == {"step": 1, "loss": 0.5}

    def test_after_what_the_page_knows(self, viewer: Client, job: TrainingJob) -> None:
        known = job.events.get(kind="step").pk

        _, body = ask(viewer, job, f"after={known}")

        assert [event["event"] for event in events_in(body)] == ["status"]

    def test_others_hear_nothing(self, outsider: Client, stranger: Client, job: TrainingJob) -> None:
        assert ask(outsider, job)[0] == 404
        assert ask(stranger, job)[0] == 401
        stranger.cookies[settings.SESSION_COOKIE_NAME] = "forged"
        assert ask(stranger, job)[0] == 401


def test_under_django_alone(member: Client, home: str, job: TrainingJob) -> None:
    answer = member.get(f"{home}/jobs/{job.public_id}/events")

    assert len(events_in(answer.content.decode())) == 3
    assert answer.headers["Cache-Control"] == "no-store"
