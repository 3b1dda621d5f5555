"""Rows that other threads and processes can see: committed, and emptied once in the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command


@contextmanager
def committed_rows(blocker: Any) -> Iterator[None]:
    """`blocker` is pytest-django's `django_db_blocker`."""
    with blocker.unblock():
        yield
        call_command("flush", verbosity=0, interactive=False)
