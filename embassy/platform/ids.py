"""Public identifiers: a prefix that names the kind, then 22 random base-62 characters (131 bits)."""

import secrets
import string
from collections.abc import Callable
from functools import partial

ALPHABET = string.digits + string.ascii_letters
LENGTH = 22


def new_id(prefix: str) -> str:
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def id_factory(prefix: str) -> Callable[[], str]:
    """A default for a model field. `functools.partial` is what migrations can write down."""
    return partial(new_id, prefix)
