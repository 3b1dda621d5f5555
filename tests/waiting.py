"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# What should take a second may take a minute where many processes share two cores.
PATIENCE_S = 120.0


def wait_for(look: Callable[[], T | None], what: str, *, seconds: float = PATIENCE_S) -> T:
    """What `look` returns as soon as that is true; AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")
