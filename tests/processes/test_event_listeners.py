"""Many listeners at the web process as production starts it."""

import asyncio
from contextlib import ExitStack

import httpx
import psutil
import pytest
from django.db import connection

from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training import lifecycle
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus
from tests.factories.training import make_running_job
from tests.processes.web_server import WebServer, start_web

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

LISTENERS = 200
DEADLINE_S = 120.0


def finish(job: TrainingJob) -> None:
    try:
        lifecycle.record_event(job, "step", step=1)
        assert lifecycle.finish(job, JobStatus.FAILED, token=job.lease_token, reason="It is over.")
    finally:
        connection.close()


def connections() -> int:
    """How many the database of the test has."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            return int(cursor.fetchone()[0])
    finally:
        connection.close()


async def listen(client: httpx.AsyncClient, path: str, heard: asyncio.Semaphore) -> str:
    text = ""
    async with client.stream("GET", path) as answer:
        assert answer.status_code == 200
        async for chunk in answer.aiter_text():
            if not text:
                heard.release()
            text += chunk
    return text


async def listen_all(
    web: WebServer, key: str, path: str, job: TrainingJob, process: psutil.Process
) -> list[str]:
    heard = asyncio.Semaphore(0)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=web.url, headers={"X-API-Key": key}, timeout=DEADLINE_S, limits=limits
    ) as client:
        tasks = [asyncio.create_task(listen(client, path, heard)) for _ in range(LISTENERS)]
        async with asyncio.timeout(DEADLINE_S):
            for _ in tasks:
                await heard.acquire()
            assert process.num_threads() < 40
            assert await asyncio.to_thread(connections) < 20
            await asyncio.to_thread(finish, job)
            return await asyncio.gather(*tasks)


def test_listeners_hold_neither_threads_nor_connections(
    project: Project, actor: Actor, key: tuple[Actor, str]
) -> None:
    job = make_running_job(project=project, actor=actor)
    path = f"/v1/projects/{project.public_id}/training-jobs/{job.public_id}/events/stream"
    with ExitStack() as stack:
        web = start_web(stack)
        texts = asyncio.run(listen_all(web, key[1], path, job, psutil.Process(web.process.pid)))

    assert len(texts) == LISTENERS
    assert all(text.count("\ndata: ") == 4 and "It is over." in text for text in texts)
