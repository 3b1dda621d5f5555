"""Signed links: the right to read or write one object for a while, as a token in a URL."""

import time
from dataclasses import dataclass
from typing import Literal

from django.conf import settings
from django.core import signing

from embassy.platform.errors import Forbidden

SALT = "embassy.storage.link"
PATH = "/files/"

INVALID = "This link is not valid. Ask for a new one."
EXPIRED = "This link has expired. Ask for a new one."


@dataclass(frozen=True)
class Link:
    method: Literal["GET", "PUT"]
    key: str
    filename: str | None = None
    max_bytes: int | None = None
    sha256: str = ""  # that the body must have; empty: any

    def url(self, seconds: int) -> str:
        """An absolute URL, good for `seconds` from now."""
        expires = int(time.time()) + seconds
        payload = [self.method, self.key, self.filename, self.max_bytes, expires, self.sha256]
        return f"{settings.PUBLIC_URL}{PATH}{signing.dumps(payload, salt=SALT)}"


def read_token(token: str) -> Link:
    """Raises Forbidden if we did not sign it or its time is over."""
    try:
        method, key, filename, max_bytes, expires, sha256 = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        raise Forbidden(INVALID, code="link_invalid") from None
    if expires < time.time():
        raise Forbidden(EXPIRED, code="link_expired")
    return Link(method, key, filename, max_bytes, sha256)
