"""`GET …/training-jobs/{id}/events/stream` as a raw ASGI application.

A listener costs a task and nothing else while it waits: no thread, no connection to the database, and one
subscription in Redis is shared by all. Rows are read when a nudge comes, and now and then without one.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar
from urllib.parse import parse_qs

import orjson

from embassy.platform.error_bodies import render
from embassy.platform.errors import EmbassyError, InvalidInput, Unavailable
from embassy.platform.exception_handler import headers_of
from embassy.platform.middleware import incoming_request_id
from embassy.projects.authentication import key_from_headers
from embassy.training.models import TrainingJob
from embassy.training.stream import feed, frames
from embassy.training.stream.nudges import JobNudges

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
T = TypeVar("T")

PATH = re.compile(r"/v1/projects/(?P<project>[^/]+)/training-jobs/(?P<job>[^/]+)/events/stream")
MOST_LISTENERS = 1000
HEARTBEAT_S = 15.0
LOOK_S = 10.0  # without a nudge
LOOK_ALONE_S = 1.0  # while nudges cannot be heard


class Database(Protocol):
    async def run(self, function: Callable[[], T]) -> T: ...

    def close(self) -> None: ...


class EventStreams:
    """Stop it with the server. `database` runs functions that use the ORM, never on the event loop."""

    path: ClassVar[re.Pattern[str]] = PATH

    def __init__(self, database: Database) -> None:
        self.database = database
        self.nudges = JobNudges()
        self.listeners = 0

    def handles(self, scope: Scope) -> bool:
        return scope["method"] == "GET" and self.path.fullmatch(scope["path"]) is not None

    async def stop(self) -> None:
        await self.nudges.stop()
        await asyncio.to_thread(self.database.close)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(scope, send)
        self.listeners += 1
        work = asyncio.create_task(self._serve(answer))
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.listeners -= 1
            gone.cancel()
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work

    async def _serve(self, answer: "Answer") -> None:
        try:
            await self._follow(answer)
        except EmbassyError as error:
            await answer.fail(error)

    async def _follow(self, answer: "Answer") -> None:
        if self.listeners > MOST_LISTENERS:
            raise Unavailable("Too many listen to events here just now.", retry_after=5)
        after = answer.after()
        job = await self._find(answer)
        with self.nudges.listening(job.public_id) as news:
            chapter = await self._read(job, after)
            if answer.comes_back and chapter.is_last and not chapter.events:
                await answer.nothing_more()
                return
            await answer.start()
            while True:
                if chapter.events:
                    await answer.write(frames.frames(chapter.events))
                    after = chapter.events[-1].pk
                if chapter.is_last:
                    await answer.end()
                    return
                if not chapter.events:
                    await self._wait(answer, news)
                news.clear()  # before reading: what comes meanwhile is read the next time
                chapter = await self._read(job, after)

    async def _wait(self, answer: "Answer", news: asyncio.Event) -> None:
        """Until it is time to look, with a sign of life now and then; the key must still be good by then."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(news.wait(), LOOK_S if self.nudges.is_followed else LOOK_ALONE_S)
        if time.monotonic() - answer.written_at >= HEARTBEAT_S:
            await self._find(answer)
            await answer.write(frames.STILL_HERE)

    def find(self, answer: "Answer", project_id: str, job_id: str) -> TrainingJob:
        """The job, if whoever asks may hear of it. Raises Unauthorized, Forbidden and NotFound."""
        plain = key_from_headers(answer.header("x-api-key"), answer.header("authorization"))
        return feed.find_job(plain, project_id, job_id)

    async def _find(self, answer: "Answer") -> TrainingJob:
        match = self.path.fullmatch(answer.path)
        assert match is not None
        return await self.database.run(lambda: self.find(answer, match["project"], match["job"]))

    async def _read(self, job: TrainingJob, after: int) -> feed.Chapter:
        return await self.database.run(lambda: feed.read(job, after))


@dataclass
class Answer:
    """One request, and the stream that answers it."""

    scope: Scope
    send: Send
    written_at: float = 0.0
    is_started: bool = False

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    @property
    def comes_back(self) -> bool:
        """Whether the client has listened before and lost the connection."""
        return self.header("last-event-id") is not None

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.scope["headers"] if key == name.encode()]
        return found[-1].decode("latin-1") if found else None

    def after(self) -> int:
        query = parse_qs(self.scope.get("query_string", b"").decode("latin-1"))
        try:
            return frames.last_seen(self.header("last-event-id"), query.get("after", [None])[-1])
        except ValueError:
            raise InvalidInput("after: must be the seq of an event, a whole number from 0.") from None

    async def start(self) -> None:
        await self._head(200, {**frames.HEADERS, "Content-Type": frames.CONTENT_TYPE})
        await self.write(frames.OPENING)

    async def write(self, chunk: bytes) -> None:
        self.written_at = time.monotonic()
        await self.send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        await self.send({"type": "http.response.body", "body": b""})

    async def nothing_more(self) -> None:
        """The one answer after which a browser does not come back again."""
        await self._head(204, {})
        await self.end()

    async def fail(self, error: EmbassyError) -> None:
        """As the answer; a stream that has begun only ends, and who comes back is told why."""
        if self.is_started:
            await self.end()
            return
        status, body = render(self.path, error)
        content = orjson.dumps(body)
        length = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        await self._head(status, {**length, **headers_of(error)})
        await self.send({"type": "http.response.body", "body": content})

    async def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.is_started = True
        every = {**headers, "X-Request-Id": incoming_request_id(self.header("x-request-id"))}
        encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in every.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": encoded})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
