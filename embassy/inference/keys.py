"""The gateway's own door: API key → actor, from a cache over the same rows as everywhere else.

A key costs one query at first sight and after every nudge (a key was revoked, a project deleted), and one
in half a minute besides. While the database is away, keys seen lately stay good.
"""

import time
from dataclasses import dataclass
from hmac import compare_digest

from embassy.inference.database import Database
from embassy.platform.actor import Actor
from embassy.platform.errors import Unauthorized, Unavailable
from embassy.projects import keys, selectors
from embassy.projects.authentication import MISSING, WRONG

FRESH_S = 30.0
REFUSED_S = 5.0
OUTAGE_S = 600.0
MAX_KNOWN = 10_000
MAX_REFUSED = 10_000


@dataclass(frozen=True, slots=True)
class KnownKey:
    """`expires_at` in UNIX seconds; `read_at` on the monotonic clock."""

    digest: str
    actor: Actor
    expires_at: float | None
    read_at: float

    def is_expired(self) -> bool:
        return self.expires_at is not None and time.time() >= self.expires_at


class KeyDoor:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, KnownKey] = {}  # by prefix
        self._refused: dict[str, float] = {}  # digest → until, on the monotonic clock
        self._nudged_at = 0.0

    async def actor(self, plain: str | None) -> Actor:
        """Who sends this key; raises Unauthorized."""
        if plain is None:
            raise Unauthorized(MISSING)
        prefix = keys.prefix_of(plain)
        if prefix is None:
            raise Unauthorized(WRONG)
        digest, now = keys.digest(plain), time.monotonic()
        known = self._known.get(prefix)
        if known is None or not self._is_fresh(known, now):
            known = await self._look(plain, prefix, digest, known)
        if known is None or known.is_expired() or not compare_digest(known.digest, digest):
            raise Unauthorized(WRONG)
        return known.actor

    def expire(self) -> None:
        """Something about keys may have changed: look at each again when it is next used."""
        self._nudged_at = time.monotonic()
        self._refused.clear()

    def _is_fresh(self, known: KnownKey, now: float) -> bool:
        return now - known.read_at < FRESH_S and known.read_at > self._nudged_at

    async def _look(self, plain: str, prefix: str, digest: str, stale: KnownKey | None) -> KnownKey | None:
        if self._refused.get(digest, 0.0) > time.monotonic():
            return None
        try:
            known = await self._database.run(lambda: _read(plain, digest))
        except Unavailable:
            if stale is None or time.monotonic() - stale.read_at > OUTAGE_S:
                raise
            return stale
        self._remember(prefix, digest, known)
        return known

    def _remember(self, prefix: str, digest: str, known: KnownKey | None) -> None:
        if known is not None:
            self._known.pop(prefix, None)
            self._known[prefix] = known
            _drop_oldest(self._known, MAX_KNOWN)
            return
        stale = self._known.get(prefix)
        if stale is not None and compare_digest(stale.digest, digest):
            del self._known[prefix]  # this very key was good and is no more
        self._refused[digest] = time.monotonic() + REFUSED_S
        _drop_oldest(self._refused, MAX_REFUSED)


def _read(plain: str, digest: str) -> KnownKey | None:
    read_at = time.monotonic()
    row = selectors.live_key(plain)
    if row is None:
        return None
    selectors.note_use(row)
    expires_at = row.expires_at.timestamp() if row.expires_at else None
    return KnownKey(digest, selectors.actor_of_key(row), expires_at, read_at)


def _drop_oldest(cache: "dict[str, KnownKey] | dict[str, float]", limit: int) -> None:
    while len(cache) > limit:
        del cache[next(iter(cache))]
