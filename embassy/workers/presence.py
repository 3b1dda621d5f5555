"""An engine worker makes its machine known as a host, reads that host's queue, and says that it is alive."""

import logging
import threading
from typing import Any

from celery import signals
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from embassy.engines import hosts, queue
from embassy.engines import reconcile as engines
from embassy.platform.broker import queue_of
from embassy.platform.heartbeat import BEATS
from embassy.platform.logs import fields

log = logging.getLogger(__name__)

ENGINES = queue_of("engines.run")


class Presence:
    """A thread of the worker's main process, which lives as long as the worker takes engines."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._registered = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """The worker stops: nothing more is to be sent to it. Returns at once."""
        self._ended.set()

    def _run(self) -> None:
        interval = settings.LEASE_SECONDS / BEATS
        while not self._ended.is_set():
            self._try(self._beat)
            self._ended.wait(interval)
        self._try(hosts.leave)

    def _beat(self) -> None:
        self._registered = self._registered and hosts.beat()
        if not self._registered:
            hosts.register(slots=self._slots)
            self._registered = True
            queue.advance()
        # Only here can be seen which of this host's processes are gone; elsewhere their leases must run out.
        engines.free_dead_leases()

    def _try(self, act: Any) -> None:
        try:
            act()
        except (DatabaseError, InterfaceError) as error:
            log.warning("host.unheard", extra=fields(error=type(error).__name__))
        finally:
            connection.close()


_presences: list[Presence] = []


@signals.celeryd_after_setup.connect
def read_own_queue(instance: Any, **_: Any) -> None:
    queues = instance.app.amqp.queues
    if ENGINES in queues.consume_from:
        queues.select_add(queue.queue_of_host(settings.HOST_NAME))


@signals.worker_ready.connect
def appear(sender: Any, **_: Any) -> None:
    if ENGINES in sender.app.amqp.queues.consume_from:
        presence = Presence(sender.controller.concurrency)
        presence.start()
        _presences.append(presence)


@signals.worker_shutting_down.connect
def leave(**_: Any) -> None:
    for presence in _presences:
        presence.end()
