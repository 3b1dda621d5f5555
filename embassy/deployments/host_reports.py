"""What each host has, what runs on it, and what of that the asker may know by name."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from embassy.catalog import selectors as catalog
from embassy.deployments.selectors import deployments_visible_to
from embassy.engines import hosts
from embassy.engines.models import Engine, Host
from embassy.platform.actor import Actor
from embassy.training.models import TrainingJob
from embassy.training.selectors import jobs_visible_to


@dataclass(frozen=True)
class HostReport:
    """Bytes. `other_engines` and `other_training_jobs` count those that belong to somebody else."""

    name: str
    status: Literal["alive", "lost"]
    seen_at: datetime
    memory_bytes: int
    memory_used_bytes: int
    memory_free_bytes: int
    slots: int
    slots_used: int
    gpus: list[dict[str, Any]]
    engines: list[Engine]
    other_engines: int
    training_jobs: list[TrainingJob]
    other_training_jobs: int


def host_reports(actor: Actor) -> list[HostReport]:
    used = set(deployments_visible_to(actor).values_list("engine_id", flat=True))
    return [_report(actor, host, used) for host in Host.objects.order_by("name")]


def _report(actor: Actor, host: Host, used: set[int]) -> HostReport:
    """`used` are the primary keys of engines that the actor has something on."""
    room, engines = hosts.room_of(host), list(hosts.occupants(host))
    known = [engine for engine in engines if _may_know(actor, engine, used)]
    jobs = TrainingJob.objects.filter(lease_owner__startswith=f"{host.name}:", lease_until__isnull=False)
    visible = list(jobs_visible_to(actor).filter(pk__in=jobs).select_related("project"))
    return HostReport(
        name=host.name,
        status="lost" if room.lost else "alive",
        seen_at=host.seen_at,
        memory_bytes=room.total,
        memory_used_bytes=room.total - room.free,
        memory_free_bytes=max(0, room.free),
        slots=room.slots,
        slots_used=len(engines),
        gpus=[_gpu(gpu, engines) for gpu in host.gpus],
        engines=known,
        other_engines=len(engines) - len(known),
        training_jobs=visible,
        other_training_jobs=jobs.count() - len(visible),
    )


def _may_know(actor: Actor, engine: Engine, used: set[int]) -> bool:
    """One's own, and shared ones with something of one's own on them or of a model that everybody has."""
    if not engine.automatic:
        return engine.organization_id == actor.organization_id
    if engine.pk in used:
        return True
    return catalog.is_listed(engine.base_model) and not engine.archive_key


def _gpu(gpu: dict[str, Any], engines: Iterable[Engine]) -> dict[str, Any]:
    on_it = [engine for engine in engines if gpu["index"] in engine.gpus]
    used = sum((engine.need_bytes or 0) // len(engine.gpus) for engine in on_it)
    return gpu | {"memory_used_bytes": used, "memory_free_bytes": max(0, gpu["memory_bytes"] - used)}
