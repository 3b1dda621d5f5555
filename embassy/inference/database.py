"""Where the gateway's few reads and writes of rows run: never on the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, connections

from embassy.platform.errors import Unavailable

T = TypeVar("T")

THREADS = 4


class Database(Protocol):
    async def run(self, function: Callable[[], T]) -> T:
        """Call `function`, which may use the ORM; raises Unavailable if the database does not answer."""
        ...

    def close(self) -> None: ...


class ThreadDatabase:
    """A few threads of its own, so that slow pages of the control plane never delay a request here."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="gateway")

    async def run(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(_isolated, function))

    def close(self) -> None:
        """Return once what was begun has ended: a write is not cut off by the end of the loop that asked."""
        self._threads.shutdown(wait=True)


class CallerDatabase:
    """The thread, and so the transaction, of the synchronous code that called us."""

    async def run(self, function: Callable[[], T]) -> T:
        return await sync_to_async(_translated)(function)

    def close(self) -> None:
        pass


def _isolated(function: Callable[[], T]) -> T:
    try:
        return _translated(function)
    finally:
        connections.close_all()


def _translated(function: Callable[[], T]) -> T:
    try:
        return function()
    except DatabaseError as error:
        raise Unavailable(
            "The database cannot be reached just now. Try again in a few seconds.",
            code="database_unavailable",
        ) from error
