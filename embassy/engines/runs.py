"""The history of an engine: one row for each run, opened when it is claimed and closed when it is given back.

Written in the transactions of observe.py, so a run is open as long as somebody holds the engine's lease.
"""

from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now

from embassy.engines.models import Engine, EngineRun


def opened(engine: Engine) -> None:
    """A worker has claimed it."""
    host, _, _ = engine.lease_owner.rpartition(":")
    EngineRun.objects.create(engine=engine, token=engine.lease_token, host=host, began_at=Now())


def activated(engine: Engine, token: int) -> None:
    """It serves from now on; one that only slept meanwhile has served before."""
    _open(engine, token).filter(active_at=None).update(active_at=Now())


def closed(engine: Engine, token: int, reason: str) -> None:
    """It is given back, or was taken from a process that is gone."""
    _open(engine, token).update(ended_at=Now(), reason=reason)


def _open(engine: Engine, token: int) -> "QuerySet[EngineRun, Any]":
    return EngineRun.objects.filter(engine_id=engine.pk, token=token, ended_at=None)
