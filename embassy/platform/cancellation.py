"""Ending tasks of the event loop for certain."""

import asyncio
from collections.abc import Iterable

SAID_AGAIN_S = 1.0


async def end(tasks: "Iterable[asyncio.Task[None]]") -> None:
    """Cancel them, and return when they have ended, however.

    A cancellation can be lost where it meets the end of what a task waits for; then it is said again.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=SAID_AGAIN_S)
