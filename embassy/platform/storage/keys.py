"""Keys: what may name an object."""

import re

MAX_LENGTH = 512

# No segment starts with a dot: no way up, and room for the folder of unfinished files.
_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9_.=@+,-]{0,199}"
_KEY = re.compile(rf"{_SEGMENT}(/{_SEGMENT})*")
_PREFIX = re.compile(rf"({_SEGMENT}/)*({_SEGMENT})?")


class BadKey(ValueError):
    """This cannot be the key of an object: the caller made it wrongly."""


def check_key(key: str) -> str:
    if len(key) > MAX_LENGTH or not _KEY.fullmatch(key):
        raise BadKey(f"{key!r} is not a key")
    return key


def check_prefix(prefix: str) -> str:
    if len(prefix) > MAX_LENGTH or not _PREFIX.fullmatch(prefix):
        raise BadKey(f"{prefix!r} is not the start of a key")
    return prefix


def check_folder(prefix: str) -> str:
    """A prefix that ends with a slash, so that `datasets/ds-1` does not also mean `datasets/ds-10`."""
    if not prefix.endswith("/"):
        raise BadKey(f"{prefix!r} does not end with a slash")
    return check_prefix(prefix)
