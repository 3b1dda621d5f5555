"""Requests of an impatient client: each ends in an Answer by its deadline, come what may."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.e2e.live import LivePlatform

Json = dict[str, Any]
Said = str | dict[str, float]

# Beyond what a request is willing to wait for its model: the answer itself, on a machine with much to do.
ANSWER_S = 20.0
# The server closes a connection that was idle for 5 s; a request had better not meet that.
KEEP_ALIVE_S = 2.0


@dataclass(frozen=True)
class Question:
    """`patience` is how many seconds the platform may wait for the model to start."""

    path: str
    body: Json
    patience: float = 60.0

    @property
    def is_stream(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def model(self) -> str:
        return str(self.body["model"])


@dataclass(frozen=True)
class Answer:
    """`said` is the whole text, or a head's logits. `code` is the error's, be it an answer or an event.

    `trouble` is what should not happen to anybody: no answer in time, a cut stream, a lost connection.
    """

    seconds: float
    status: int | None = None
    said: Said | None = None
    code: str = ""
    retry_after: float | None = None
    trouble: str = ""


Ended = tuple[Said | None, str, str]  # what was said, the error's code, the trouble


@asynccontextmanager
async def client_of(platform: LivePlatform) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S)
    headers = {"X-API-Key": platform.key}
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(
        platform.url, connector=connector, headers=headers, timeout=timeout
    ) as session:
        yield session


async def ask(session: aiohttp.ClientSession, question: Question) -> Answer:
    began = time.monotonic()

    def answer(**values: Any) -> Answer:
        return Answer(seconds=time.monotonic() - began, **values)

    headers = {"X-Scale-Up-Timeout": f"{question.patience:g}"}
    try:
        async with (
            asyncio.timeout(question.patience + ANSWER_S),
            session.post(question.path, json=question.body, headers=headers) as response,
        ):
            is_stream = response.content_type == "text/event-stream"
            said, code, trouble = await (_events(response) if is_stream else _whole(response))
            retry_after = response.headers.get("Retry-After")
            return answer(
                status=response.status,
                said=said,
                code=code,
                trouble=trouble,
                retry_after=float(retry_after) if retry_after else None,
            )
    except TimeoutError:
        return answer(trouble=f"no end within {question.patience + ANSWER_S:g} s")
    except aiohttp.ClientError as error:
        return answer(trouble=f"connection: {type(error).__name__}: {error}")


async def _whole(response: aiohttp.ClientResponse) -> Ended:
    body = await response.json()
    if response.status != 200:
        return None, str(body.get("code")), ""
    if "data" in body:
        return dict(body["data"][0]["logits"]), "", ""
    [choice] = body["choices"]
    return str(choice["text"] if "text" in choice else choice["message"]["content"]), "", ""


async def _events(response: aiohttp.ClientResponse) -> Ended:
    text = ""
    async for line in response.content:
        if not line.startswith(b"data: "):
            continue  # a comment, or the end of an event
        data = line.removeprefix(b"data: ").strip()
        if data == b"[DONE]":
            return text, "", ""
        event = json.loads(data)
        if "error" in event:
            return None, str(event.get("code")), ""
        for choice in event["choices"]:
            text += choice["text"] if "text" in choice else choice["delta"].get("content") or ""
    return None, "", "the stream ended without [DONE] and without an error"
