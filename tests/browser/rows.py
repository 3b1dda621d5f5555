"""Rows that the web server sees too.

Playwright keeps a loop in the thread of the tests, where Django reads and writes nothing; so that is done
in a thread of its own.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, Self, TypeVar

from django.core.management import call_command
from django.db import connections

P = ParamSpec("P")
T = TypeVar("T")


class Rows:
    """Call it with what is to be done. As a context, it leaves the tables empty."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)

    def __call__(self, act: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        return self._thread.submit(act, *args, **options).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self(call_command, "flush", verbosity=0, interactive=False)
        self(connections.close_all)
        self._thread.shutdown()
