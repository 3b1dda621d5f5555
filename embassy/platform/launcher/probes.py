"""Readiness probes for the service table."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from embassy.platform.launcher.errors import NotReady
from embassy.platform.launcher.service import Probe

_HTTP_TIMEOUT_S = 5.0


def answers(ask: Callable[[str], None], url: str) -> Probe:
    """Ready when the blocking question `ask(url)` is answered."""

    async def probe() -> None:
        await asyncio.to_thread(ask, url)

    return probe


def exists(path: Path) -> Probe:
    """Ready when the file is there."""

    async def probe() -> None:
        if not path.exists():
            raise NotReady("it has not said that it is ready")

    return probe


def accepts(path: Path) -> Probe:
    """Ready when the Unix socket takes a connection."""

    async def probe() -> None:
        try:
            _, writer = await asyncio.open_unix_connection(str(path))
        except OSError as error:
            raise NotReady(f"its socket does not answer ({error.strerror})") from None
        writer.close()

    return probe


def serves(host: str, port: int, path: str) -> Probe:
    """Ready when a GET of `path` is answered with 200."""

    async def probe() -> None:
        try:
            status = await asyncio.wait_for(_get(host, port, path), _HTTP_TIMEOUT_S)
        except (OSError, TimeoutError) as error:
            raise NotReady(f"{path} is not answered ({error or 'timed out'})") from None
        if status != "200":
            raise NotReady(f"{path} answers {status or 'nothing'}")

    return probe


async def _get(host: str, port: int, path: str) -> str:
    """The status code of one request, as text; empty where the server hangs up."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        first = (await reader.readline()).decode(errors="replace").split()
    finally:
        writer.close()
    return first[1] if len(first) > 1 else ""
