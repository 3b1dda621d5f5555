"""Engines as a page shows them: what is on each, what it waits for, and how long it ran."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Greatest, Now
from django.utils import timezone

from embassy.catalog.base_model import BaseModel
from embassy.catalog.selectors import list_base_models
from embassy.deployments.models import Deployment
from embassy.deployments.routes import Route
from embassy.deployments.selectors import base_model_route, deployments_visible_to
from embassy.engines import queue
from embassy.engines.models import Adapter, Engine, EngineRun
from embassy.engines.states import EngineStatus, Wanted
from embassy.platform.actor import Actor

PERIOD = timedelta(days=30)


@dataclass(frozen=True)
class EngineRow:
    """`place` is its own in the queue, from 1. `seconds` it served in the last 30 days."""

    engine: Engine
    deployments: list[Deployment]
    adapters_loaded: int
    adapters_wanted: int
    place: int | None
    seconds: float

    @property
    def is_own(self) -> bool:
        return not self.engine.automatic

    @property
    def waits(self) -> bool:
        return self.engine.wanted == Wanted.ACTIVE and self.engine.status == EngineStatus.CREATING

    @property
    def is_asleep(self) -> bool:
        """Stopped, or about to be."""
        return self.engine.wanted == Wanted.INACTIVE

    @property
    def up_seconds(self) -> float | None:
        began = self.engine.active_at
        if self.engine.status != EngineStatus.ACTIVE or began is None:
            return None
        return (timezone.now() - began).total_seconds()


@dataclass(frozen=True)
class SharedModel:
    """A base model that everybody may ask, with where it is at the moment."""

    model: BaseModel
    route: Route


def engines_shown_to(actor: Actor) -> "QuerySet[Engine, Engine]":
    """The organization's own, and shared ones with something of theirs on them."""
    used = deployments_visible_to(actor).values("engine_id")
    own = Q(organization_id=actor.organization_id, automatic=False)
    return Engine.objects.filter(own | Q(pk__in=used), deleted_at=None).order_by("automatic", "-id")


def engine_rows(actor: Actor, engines: Iterable[Engine]) -> list[EngineRow]:
    """Five queries, however many engines."""
    shown = list(engines)
    pks = [engine.pk for engine in shown]
    deployments, seconds, places = _deployments(actor, pks), _seconds(pks), _places(shown)
    loaded = _adapters(pks)
    return [
        EngineRow(
            engine=engine,
            deployments=deployments[engine.pk],
            adapters_loaded=loaded.get(engine.pk, (0, 0))[0],
            adapters_wanted=loaded.get(engine.pk, (0, 0))[1],
            place=places.get(engine.pk),
            seconds=seconds.get(engine.pk, 0.0),
        )
        for engine in shown
    ]


def shared_models() -> list[SharedModel]:
    serverless = [model for model in list_base_models() if model.support_serverless]
    return [SharedModel(model, base_model_route(model)) for model in serverless]


def _deployments(actor: Actor, pks: Sequence[int]) -> dict[int, list[Deployment]]:
    found: dict[int, list[Deployment]] = defaultdict(list)
    for row in deployments_visible_to(actor).filter(engine_id__in=pks).select_related("project"):
        found[row.engine_id].append(row)
    return found


def _adapters(pks: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Loaded and wanted, by engine."""
    rows = Adapter.objects.filter(engine_id__in=pks, wanted=True).order_by().values("engine_id")
    counted = rows.annotate(loaded=Count("loaded_at"), all=Count("pk"))
    return {row["engine_id"]: (row["loaded"], row["all"]) for row in counted}


def _seconds(pks: Sequence[int]) -> dict[int, float]:
    since: datetime = timezone.now() - PERIOD
    ended: Any = Coalesce(F("ended_at"), Now())
    runs = EngineRun.objects.filter(engine_id__in=pks, active_at__isnull=False)
    runs = runs.filter(Q(ended_at=None) | Q(ended_at__gt=since)).order_by()
    served = runs.values("engine_id").annotate(served=Sum(ended - Greatest(F("active_at"), since)))
    return {row["engine_id"]: max(0.0, row["served"].total_seconds()) for row in served}


def _places(engines: Iterable[Engine]) -> dict[int, int]:
    """Nothing is asked where nobody waits."""
    if not any(engine.status == EngineStatus.CREATING for engine in engines):
        return {}
    waiting = queue.waiting_in_order().filter(host_name="").values_list("pk", flat=True)
    return {pk: place for place, pk in enumerate(waiting, start=1)}
