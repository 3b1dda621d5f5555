"""Mend what lost wake-ups and dead processes left behind. Called every second by the scheduler."""

import logging

from django.db.models import Q
from django.db.models.functions import Now

from embassy.engines import hosts, observe, queue, services
from embassy.engines.models import Adapter, Engine
from embassy.platform import leases
from embassy.platform.logs import fields

log = logging.getLogger(__name__)


def reconcile() -> None:
    free_dead_leases()
    queue.advance()
    drop_expired_adapters()
    remove_unloaded_adapters()


def free_dead_leases() -> None:
    """Take engines from processes that are gone; the child went with its process."""
    rows = Engine.objects.exclude(lease_until=None)
    hosts.doubt(names=set(leases.expired(rows).values_list("host_name", flat=True)))
    dead = {row.pk: row for row in [*leases.expired(rows), *leases.owned_by_dead_process(rows)]}
    for engine in dead.values():
        try:
            observe.lost(engine=engine, token=engine.lease_token)
        except observe.LeaseLost:
            continue  # it was given back between our two looks
        log.warning("engine.freed", extra=fields(engine=engine.public_id, owner=engine.lease_owner))


def drop_expired_adapters() -> None:
    for adapter in Adapter.objects.filter(wanted=True, expires_at__lt=Now()).select_related("engine"):
        services.drop_adapter(adapter=adapter)


def remove_unloaded_adapters() -> None:
    """An engine that is down unloads nothing: what is not wanted on it any more just goes."""
    Adapter.objects.filter(Q(engine__lease_until=None), wanted=False).delete()
