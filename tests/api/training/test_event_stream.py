"""GET …/training-jobs/{id}/events/stream, as the server answers it and as Django alone does"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from rest_framework.test import APIClient

from embassy.inference.database import ThreadDatabase
from embassy.platform.actor import Actor
from embassy.projects.models import ApiKey, Project
from embassy.training import lifecycle, pauses
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus
from embassy.training.stream import app as stream_app
from embassy.training.stream import feed
from embassy.training.stream.app import EventStreams
from tests.factories.training import make_job, make_running_job

WAIT_S = 30.0


def address(job: TrainingJob, query: str = "") -> str:
    return f"/v1/projects/{job.project.public_id}/training-jobs/{job.public_id}/events/stream{query}"


def events_in(text: str) -> list[dict[str, Any]]:
    """The events of a stream, which must name the same id and kind inside and outside."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] not in ("", ":"))
        if "data" in lines:
            event = json.loads(lines["data"])
            assert (lines["id"], lines["event"]) == (str(event["seq"]), event["event"])
            found.append(event)
    return found


class TestUnderDjangoAlone:
    """The history so far; then it ends, and clients come back."""

    @pytest.fixture
    def job(self, project: Project, actor: Actor) -> TrainingJob:
        job = make_job(project=project, actor=actor)
        lifecycle.record_event(job, "step", loss=0.5)
        return job

    def test_what_has_happened(self, api: APIClient, job: TrainingJob) -> None:
        answer = api.get(address(job), HTTP_ACCEPT="text/event-stream")

        events = events_in(answer.content.decode())
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
        assert [event["event"] for event in events] == ["status", "step"]
        assert events == api.get(address(job).removesuffix("/stream")).json()

    def test_it_goes_on_after_the_last_one_seen(self, api: APIClient, job: TrainingJob) -> None:
        first, second = events_in(api.get(address(job)).content.decode())

        after = api.get(address(job, f"?after={first['seq']}"))
        again = api.get(address(job, "?after=0"), HTTP_LAST_EVENT_ID=str(first["seq"]))

        assert events_in(after.content.decode()) == events_in(again.content.decode()) == [second]

    def test_who_has_seen_the_end_need_not_come_back(self, api: APIClient, job: TrainingJob) -> None:
        lifecycle.finish(job, JobStatus.CANCELLED, token=None)
        last = events_in(api.get(address(job)).content.decode())[-1]

        assert last["details"]["status"] == "Cancelled"
        assert api.get(address(job), HTTP_LAST_EVENT_ID=str(last["seq"])).status_code == 204

    @pytest.mark.parametrize("after", ["x", "-1", "99999999999999999999"])
    def test_a_bad_query(self, api: APIClient, job: TrainingJob, after: str) -> None:
        assert api.get(address(job, f"?after={after}")).status_code == 400

    def test_other_tenant(self, other_api: APIClient, job: TrainingJob) -> None:
        answer = other_api.get(address(job), HTTP_ACCEPT="text/event-stream")

        assert (answer.status_code, answer.json()["code"]) == (404, "object_not_found")

    def test_missing(self, api: APIClient, project: Project) -> None:
        path = f"/v1/projects/{project.public_id}/training-jobs/tr-nothing/events/stream"
        assert api.get(path).status_code == 404

    def test_no_key(self, anonymous_api: APIClient, job: TrainingJob) -> None:
        assert anonymous_api.get(address(job)).status_code == 401

    def test_wrong_method(self, api: APIClient, job: TrainingJob) -> None:
        assert api.post(address(job)).status_code == 405


@dataclass
class Listener:
    """A client of the ASGI application."""

    status: int = 0
    text: str = ""
    ended: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.text += message["body"].decode()
            self.ended = not message.get("more_body", False)
        self.changed.set()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    @property
    def events(self) -> list[dict[str, Any]]:
        return events_in(self.text)

    async def until(self, look: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not look():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def listen(streams: EventStreams, key: str, path: str, **headers: str) -> Any:
    given = {"x-api-key": key, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
    }
    assert streams.handles(scope)
    listener = Listener()
    task = asyncio.create_task(streams(scope, listener.receive, listener.send))
    try:
        yield listener
    finally:
        listener.gone.set()
        async with asyncio.timeout(WAIT_S):
            with suppress(asyncio.CancelledError):
                await task


def served(work: Callable[[EventStreams], Awaitable[None]]) -> None:
    async def whole() -> None:
        streams = EventStreams(ThreadDatabase())
        try:
            await work(streams)
        finally:
            await streams.stop()

    asyncio.run(whole())


async def do(act: Callable[[], object]) -> None:
    await sync_to_async(lambda: committed(act), thread_sensitive=False)()


@pytest.mark.django_db(transaction=True)
class TestUnderTheServer:
    @pytest.fixture
    def job(self, project: Project, actor: Actor) -> TrainingJob:
        return make_running_job(project=project, actor=actor)

    @pytest.fixture
    def path(self, job: TrainingJob) -> str:
        return address(job)

    def test_events_come_as_they_happen_and_the_stream_ends_with_the_job(
        self, job: TrainingJob, path: str, key: tuple[Actor, str]
    ) -> None:
        async def work(streams: EventStreams) -> None:
            async with listen(streams, key[1], path) as listener:
                await listener.until(lambda: len(listener.events) == 2)  # it waited, it runs
                await do(lambda: lifecycle.record_event(job, "step", loss=0.5))
                await listener.until(lambda: len(listener.events) == 3)
                await do(
                    lambda: lifecycle.finish(job, JobStatus.FAILED, token=job.lease_token, reason="Odd.")
                )
                await listener.until(lambda: listener.ended)
                assert listener.events[-1]["details"]["reason"] == "Odd."

        served(work)

    def test_nothing_is_lost_and_nothing_comes_twice(
        self, job: TrainingJob, path: str, key: tuple[Actor, str]
    ) -> None:
        heard: list[int] = []

        async def work(streams: EventStreams) -> None:
            writing = asyncio.create_task(do(lambda: write_steps(job, 60)))
            ended = False
            while not ended:
                seen = {"last_event_id": str(heard[-1])} if heard else {}
                async with listen(streams, key[1], path, **seen) as listener:
                    await listener.until(lambda: len(listener.events) >= 7 or listener.ended)
                    heard.extend(event["seq"] for event in listener.events)
                    ended = listener.ended
            await writing

        served(work)
        assert heard == list(job.events.order_by("id").values_list("id", flat=True))
        assert len(heard) == 63

    def test_a_job_that_has_ended(self, job: TrainingJob, path: str, key: tuple[Actor, str]) -> None:
        lifecycle.finish(job, JobStatus.CANCELLED, token=None)

        async def work(streams: EventStreams) -> None:
            async with listen(streams, key[1], path) as listener:
                await listener.until(lambda: listener.ended)
                assert [event["event"] for event in listener.events] == ["status"] * 3
                last = str(listener.events[-1]["seq"])
            async with listen(streams, key[1], path, last_event_id=last) as listener:
                await listener.until(lambda: listener.ended)
                assert (listener.status, listener.text) == (204, "")

        served(work)

    def test_a_paused_job_is_listened_to_on(
        self, job: TrainingJob, path: str, key: tuple[Actor, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stream_app, "HEARTBEAT_S", 0.0)
        monkeypatch.setattr(stream_app, "LOOK_S", 0.05)
        lifecycle.request_pause(job)
        lifecycle.put_aside(job, token=job.lease_token)

        async def work(streams: EventStreams) -> None:
            async with listen(streams, key[1], path) as listener:
                await listener.until(lambda: ": still here" in listener.text)
                await do(lambda: pauses.resume_training_job(job=job, actor=key[0]))
                await listener.until(lambda: listener.events[-1]["details"].get("status") == "Pending")
                assert not listener.ended

        served(work)

    def test_a_long_history_comes_whole(
        self, job: TrainingJob, path: str, key: tuple[Actor, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feed, "LONGEST", 5)
        write_steps(job, 20)

        async def work(streams: EventStreams) -> None:
            async with listen(streams, key[1], path) as listener:
                await listener.until(lambda: listener.ended)
                assert len(listener.events) == 23

        served(work)

    def test_a_deleted_job_ends_the_stream(
        self, job: TrainingJob, path: str, key: tuple[Actor, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stream_app, "LOOK_S", 0.05)

        async def work(streams: EventStreams) -> None:
            async with listen(streams, key[1], path) as listener:
                await listener.until(lambda: len(listener.events) == 2)
                await do(TrainingJob.objects.filter(pk=job.pk).delete)
                await listener.until(lambda: listener.ended)

        served(work)

    def test_a_revoked_key_hears_nothing_more(
        self, job: TrainingJob, path: str, key: tuple[Actor, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stream_app, "LOOK_S", 0.05)
        monkeypatch.setattr(stream_app, "HEARTBEAT_S", 0.0)

        async def work(streams: EventStreams) -> None:
            async with listen(streams, key[1], path) as listener:
                await listener.until(lambda: len(listener.events) == 2)
                await do(ApiKey.objects.all().delete)
                await listener.until(lambda: listener.ended)
            async with listen(streams, key[1], path) as listener:
                await listener.until(lambda: listener.ended)
                assert (listener.status, json.loads(listener.text)["code"]) == (401, "unauthorized")

        served(work)

    def test_listeners_leave_nothing_behind(
        self, job: TrainingJob, path: str, key: tuple[Actor, str]
    ) -> None:
        async def work(streams: EventStreams) -> None:
            async with listen(streams, key[1], path) as listener:
                await listener.until(lambda: len(listener.events) == 2)
                assert streams.listeners == 1
            assert streams.listeners == 0

        served(work)

    def test_too_many(
        self, job: TrainingJob, path: str, key: tuple[Actor, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stream_app, "MOST_LISTENERS", 0)

        async def work(streams: EventStreams) -> None:
            async with listen(streams, key[1], path) as listener:
                await listener.until(lambda: listener.ended)
                assert listener.status == 503

        served(work)


def committed(act: Callable[[], object]) -> None:
    """In a thread of its own, whose connection is closed."""
    try:
        act()
    finally:
        connection.close()


def write_steps(job: TrainingJob, count: int) -> None:
    """So many events, and the end of the job."""
    for step in range(count):
        lifecycle.record_event(job, "step", step=step)
    lifecycle.finish(job, JobStatus.CANCELLED, token=None)
