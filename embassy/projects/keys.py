"""API keys: how one is made, and how one is recognised. Pure but for the pepper.

A key reads `emb_<prefix>_<secret>`. Only the prefix and an HMAC-SHA256 of the whole key are stored; the
pepper is derived from SECRET_KEY, so a stolen table alone verifies nothing.
"""

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

ALPHABET = string.digits + string.ascii_letters
SHAPE = re.compile(r"emb_([0-9A-Za-z]{8})_[0-9A-Za-z]{40}")


@dataclass(frozen=True)
class NewKey:
    plain: str
    prefix: str
    digest: str


def generate() -> NewKey:
    prefix = "".join(secrets.choice(ALPHABET) for _ in range(8))
    plain = f"emb_{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(40))
    return NewKey(plain=plain, prefix=prefix, digest=digest(plain))


def digest(plain: str) -> str:
    return hmac.digest(_pepper(settings.SECRET_KEY), plain.encode(), "sha256").hex()


def prefix_of(plain: str) -> str | None:
    """None if this cannot be a key of ours at all."""
    match = SHAPE.fullmatch(plain)
    return match.group(1) if match else None


@lru_cache(maxsize=1)
def _pepper(secret_key: str) -> bytes:
    return hashlib.sha256(b"api-key-pepper:" + secret_key.encode()).digest()


def matches(plain: str, stored_digest: str) -> bool:
    return hmac.compare_digest(digest(plain), stored_digest)
