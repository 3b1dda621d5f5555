"""What is wanted of engines and adapters. What is observed of them is written in observe.py."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from embassy.catalog import selectors as catalog
from embassy.catalog.base_model import BaseModel
from embassy.engines import keys, places, queue
from embassy.engines.keys import Archive, EngineKey
from embassy.engines.models import Adapter, Engine
from embassy.engines.states import ENGINE, EngineStatus, Wanted
from embassy.engines.wakeups import changed
from embassy.platform import notify
from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, InvalidInput, NotFound
from embassy.platform.ids import new_id
from embassy.projects import audit

WAITING = "Waiting for an engine worker."


def key_for(*, base_model: str, task_type: str, rank: int = 0, merged: Archive | None = None) -> EngineKey:
    """The engine that serves this. Raises NotFound for an unknown base model, InvalidInput for a bad task."""
    model = catalog.get_base_model(base_model)
    kind = keys.kind_of(task_type)
    return EngineKey(
        base_model=model.name,
        kind=kind,
        dtype=model.dtype,
        max_model_len=min(model.context_length, settings.ENGINE_MAX_MODEL_LEN),
        rank=keys.rank_for(kind, rank, merged=merged is not None or not model.takes_adapters),
        archive_key=merged.key if merged else "",
    )


def ensure_engine(*, base_model: str, task_type: str, rank: int = 0, merged: Archive | None = None) -> Engine:
    """The automatic engine for this, made if there is none yet, and wanted active from now on."""
    key = key_for(base_model=base_model, task_type=task_type, rank=rank, merged=merged)
    return _ensured(key, task_type=task_type, sha256=merged.sha256 if merged else "")


@transaction.atomic
def ensure_place(
    *, base_model: str, task_type: str, rank: int, name: str = "", is_guest: bool = False, present: int = 0
) -> Engine:
    """The automatic engine that takes an adapter of this rank; see places.shard_with_room for the rest.

    The place is taken by want_adapter, in the same transaction.
    """
    key = key_for(base_model=base_model, task_type=task_type, rank=rank)
    places.lock(key)
    shard = places.shard_with_room(key, name=name, is_guest=is_guest, present=present)
    return _ensured(key, task_type=task_type, shard=shard)


@transaction.atomic
def _ensured(key: EngineKey, *, task_type: str, sha256: str = "", shard: int = 0) -> Engine:
    engine, created = Engine.objects.get_or_create(
        **key.columns(),
        shard=shard,
        automatic=True,
        deleted_at=None,
        defaults={
            "name": "-".join([key.base_model, key.kind, *([str(shard + 1)] if shard else [])]),
            "task_type": task_type,
            "sha256": sha256,
            "reason": WAITING,
            "last_access_at": Now(),
            "woken_at": Now(),
        },
    )
    if created:
        send_for(engine)
    else:
        want_active(engine=engine)
    engine.refresh_from_db()
    return engine


@transaction.atomic
def create_engine(
    *, name: str | None, base_model: str, task_type: str | None, resource_management: Any, actor: Actor
) -> Engine:
    """An engine of the actor's organization. Raises NotFound, InvalidInput, or Conflict for a taken name."""
    model = _named_model(base_model)
    task_type = task_type or model.task_types[0]
    if task_type not in model.task_types:
        raise InvalidInput(f"{model.name} does not do {task_type}. It does {', '.join(model.task_types)}.")
    name = (name or "").strip() or f"engine-{new_id('')[:6]}"
    own = Engine.objects.filter(organization_id=actor.organization_id, automatic=False, deleted_at=None)
    if own.filter(name=name).exists():
        raise Conflict(f"You have an engine named {name} already. Choose another name.", code="name_taken")
    key = key_for(base_model=base_model, task_type=task_type)
    engine = Engine.objects.create(
        **key.columns(),
        automatic=False,
        organization_id=actor.organization_id,
        name=name,
        task_type=task_type,
        resource_management=resource_management,
        reason=WAITING,
    )
    Engine.objects.filter(pk=engine.pk).update(last_access_at=Now(), woken_at=Now())
    audit.record("engine.created", engine.public_id, actor=actor, base_model=base_model, name=name)
    send_for(engine)
    return engine


@transaction.atomic
def activate(*, engine: Engine, actor: Actor) -> None:
    """Start it again by hand. Raises Conflict unless it is stopped or stopping."""
    if engine.wanted == Wanted.ACTIVE:
        raise Conflict(f"Engine {engine.name} is {engine.status} already.", code="already_active")
    want_active(engine=engine)
    audit.record("engine.reactivated", engine.public_id, actor=actor)


@transaction.atomic
def deactivate(*, engine: Engine, actor: Actor) -> None:
    """Stop it by hand. Raises Conflict unless it is Active."""
    if engine.status != EngineStatus.ACTIVE or engine.wanted == Wanted.INACTIVE:
        raise Conflict(
            f"Engine {engine.name} is {engine.status}; only an Active engine can be deactivated.",
            code="not_active",
        )
    want_inactive(engine=engine, reason="Deactivated by hand.", by_hand=True)
    audit.record("engine.deactivated", engine.public_id, actor=actor)


@transaction.atomic
def want_active(*, engine: Engine) -> None:
    """Have it run. An engine that gave up gets a fresh set of attempts; a running one is only touched."""
    rows = Engine.objects.filter(pk=engine.pk, deleted_at=None)
    rows.update(last_access_at=Now())
    notify.nudge(notify.engine_channel(engine.public_id))  # one that sleeps wakes up
    woken = rows.filter(wanted=Wanted.INACTIVE).update(
        wanted=Wanted.ACTIVE, failures=0, retry_at=None, woken_at=Now()
    )
    if not woken:
        return
    ENGINE.transition(
        engine,
        EngineStatus.CREATING,
        sources={EngineStatus.INACTIVE},
        reason=WAITING,
        changes={"reason": WAITING},
    )
    send_for(engine)
    changed(engine)


@transaction.atomic
def want_inactive(*, engine: Engine, reason: str, by_hand: bool = False) -> None:
    """Have it stop, once the requests that it is answering are through."""
    if by_hand:
        Engine.objects.filter(pk=engine.pk).update(slept_at=Now())
    stopped = Engine.objects.filter(pk=engine.pk, wanted=Wanted.ACTIVE).update(
        wanted=Wanted.INACTIVE, reason=reason, failures=0, retry_at=None
    )
    if not stopped:
        return
    # One that nobody runs can be told at once; else its supervisor does it after stopping the server.
    ENGINE.transition(
        engine,
        EngineStatus.INACTIVE,
        sources={EngineStatus.CREATING},
        where={"lease_until": None},
        reason=reason,
    )
    notify.nudge(notify.engine_channel(engine.public_id))
    changed(engine)


@transaction.atomic
def delete_engine(*, engine: Engine, actor: Actor) -> None:
    """Stop it and hide it; its deployments must be gone."""
    want_inactive(engine=engine, reason="The engine was deleted.")
    Engine.objects.filter(pk=engine.pk).update(deleted_at=Now())
    audit.record("engine.deleted", engine.public_id, actor=actor, name=engine.name)


@transaction.atomic
def want_adapter(
    *, engine: Engine, name: str, archive: Archive, rank: int, seconds: float | None = None
) -> Adapter:
    """Have the adapter loaded on the engine (which this does not start); `seconds` bound a short stay."""
    if rank > engine.rank:
        raise InvalidInput(f"Engine {engine.public_id} takes adapters up to rank {engine.rank}, not {rank}.")
    expires: Any = Now() + timedelta(seconds=seconds) if seconds is not None else None
    adapter, _ = Adapter.objects.update_or_create(
        engine=engine,
        name=name,
        defaults={"wanted": True, "error": "", "attempts": 0, "expires_at": expires},
        create_defaults={
            "archive_key": archive.key,
            "sha256": archive.sha256,
            "rank": rank,
            "expires_at": expires,
        },
    )
    adapter.refresh_from_db()
    notify.nudge(notify.engine_channel(engine.public_id))
    return adapter


@transaction.atomic
def keep_adapter(*, adapter: Adapter, seconds: float) -> None:
    """Put off the expiry of a short stay."""
    Adapter.objects.filter(pk=adapter.pk).update(expires_at=Now() + timedelta(seconds=seconds))


@transaction.atomic
def drop_adapter(*, adapter: Adapter) -> None:
    """Have it unloaded; the row goes once it is."""
    Adapter.objects.filter(pk=adapter.pk).update(wanted=False, expires_at=None)
    notify.nudge(notify.engine_channel(adapter.engine.public_id))
    notify.nudge(notify.ROUTES)


@transaction.atomic
def touch(*, engine_pks: Collection[int]) -> None:
    """These engines were used just now."""
    Engine.objects.filter(pk__in=engine_pks).update(last_access_at=Now())


def _named_model(name: str) -> BaseModel:
    try:
        return catalog.get_base_model(name)
    except NotFound as error:
        # It was named in a body, so the request is wrong, not the address.
        raise InvalidInput(f"base_model: {error.message}", code=error.code) from None


def send_for(engine: Engine) -> None:
    """Have a place looked for, after the commit, and tell the engine's supervisor if it still has one."""
    Engine.objects.filter(pk=engine.pk, lease_until=None).update(published_at=None, **queue.NO_SEAT)
    queue.advance_soon()
    notify.nudge(notify.engine_channel(engine.public_id))
