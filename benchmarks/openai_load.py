"""Streams read as applications read them: by the official OpenAI client.

`http_load` is as lean as Python gets, and so shows nearly all of what a proxy costs; this client shows what
of that its users notice. Both give the same kind of `Load`.
"""

import asyncio
import logging
import statistics
import time
from typing import Any

import orjson
from openai import AsyncOpenAI

from benchmarks.http_load import Load, Target


async def load(target: Target, *, connections: int, requests: int) -> Load:
    """Raises openai.APIError if an answer was none."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line for each request otherwise
    each, body = max(1, requests // connections), orjson.loads(target.body)
    headers = dict(line.split(": ", 1) for line in target.headers)
    base_url = f"http://127.0.0.1:{target.port}/v1"
    async with AsyncOpenAI(base_url=base_url, api_key="-", default_headers=headers, max_retries=0) as client:
        cpu, began = target.cpu_s(), time.perf_counter()
        readers = await asyncio.gather(*(reader(client, body, each) for _ in range(connections)))
        wall, cpu = time.perf_counter() - began, target.cpu_s() - cpu
    seen = [stream for streams in readers for stream in streams]
    return Load(
        wall_s=wall,
        requests=len(seen),
        tokens=sum(tokens for tokens, _ in seen),
        p50_ms=statistics.median([taken for _, taken in seen]) * 1000,
        cpu_us=cpu / len(seen) * 1e6 if target.pids else None,
    )


async def reader(client: AsyncOpenAI, body: dict[str, Any], count: int) -> list[tuple[int, float]]:
    """Tokens and seconds of each of `count` streams, one after another."""
    return [await stream(client, body) for _ in range(count)]


async def stream(client: AsyncOpenAI, body: dict[str, Any]) -> tuple[int, float]:
    began, tokens = time.perf_counter(), 0
    asked = {"model": body["model"], "messages": body["messages"], "stream": True}
    async for event in await client.chat.completions.create(**asked, extra_body=body):
        tokens += len(event.choices)
    return tokens, time.perf_counter() - began
