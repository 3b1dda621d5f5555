"""Which of the automatic engines of one key takes one more adapter: each holds so many and no more."""

import hashlib

from django.db.models import Count, Q, QuerySet

from embassy.engines.command import GUESTS, MAX_ADAPTERS
from embassy.engines.keys import EngineKey
from embassy.engines.models import Engine
from embassy.engines.states import Wanted
from embassy.platform import locks


def lock(key: EngineKey) -> None:
    """Until the transaction ends nobody else gives away places on engines of this key.

    Not a lock on the engines' rows: who holds one of those may be waiting for a place.
    """
    digest = hashlib.sha256(repr(key).encode()).digest()
    locks.lock(int.from_bytes(digest[:8], "big", signed=True))


def shard_with_room(key: EngineKey, *, name: str = "", is_guest: bool = False, present: int = 0) -> int:
    """The number of the engine that is to take the adapter; there may be no engine of this number yet.

    `name` is the adapter's own, whose old place counts as free. `present` is the key of the engine on which
    it was. A guest stays for the length of a test, and so needs no engine more for it.
    """
    most = MAX_ADAPTERS + (GUESTS if is_guest else 0)
    engines = list(with_taken(key, name=name))
    roomy = [engine for engine in engines if engine.taken < most]  # type: ignore[attr-defined]
    if roomy:
        return min(roomy, key=lambda engine: _preference(engine, present)).shard
    used = {engine.shard for engine in engines}
    return next(shard for shard in range(len(used) + 1) if shard not in used)


def with_taken(key: EngineKey, *, name: str = "") -> "QuerySet[Engine, Engine]":
    """The automatic engines of the key, each with `taken` places: what is wanted on it, or still there."""
    held = (Q(adapters__wanted=True) | ~Q(adapters__loaded_at=None)) & ~Q(adapters__name=name)
    engines = Engine.objects.filter(**key.columns(), automatic=True, deleted_at=None)
    return engines.annotate(taken=Count("adapters", filter=held))


def _preference(engine: Engine, present: int) -> tuple[bool, bool, int]:
    """One that is up, best the one where it was, before one that would have to start for it."""
    return engine.wanted != Wanted.ACTIVE, engine.pk != present, engine.shard
