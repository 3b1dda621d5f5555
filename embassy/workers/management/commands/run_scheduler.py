"""Run the timetable in one leader. Start as many as you like: one leads, the others wait."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from apscheduler.schedulers.background import BackgroundScheduler
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from embassy.platform.logs import fields
from embassy.workers.leader import Leadership
from embassy.workers.schedule import TIMETABLE, Entry

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        if path := os.environ.get("EMBASSY_READY_FILE"):
            Path(path).touch()
        leadership = Leadership()
        while not stopping.is_set():
            if acquired(leadership):
                log.info("scheduler.leads")
                lead(leadership, stopping)
            stopping.wait(BEAT_SECONDS)
        leadership.release()


def acquired(leadership: Leadership) -> bool:
    try:
        return leadership.acquire()
    except psycopg.OperationalError as error:
        log.warning("scheduler.database_away", extra=fields(error=type(error).__name__))
        return False


def lead(leadership: Leadership, stopping: threading.Event) -> None:
    scheduler = BackgroundScheduler(timezone="UTC")
    for entry in TIMETABLE:
        scheduler.add_job(
            beat(entry),
            "interval",
            seconds=entry.seconds,
            id=entry.name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
    scheduler.start()
    try:
        while not stopping.is_set() and leadership.holds():
            stopping.wait(BEAT_SECONDS)
    finally:
        scheduler.shutdown(wait=True)
        leadership.release()


def beat(entry: Entry) -> Callable[[], None]:
    def run() -> None:
        close_old_connections()
        try:
            entry.run()
        except DatabaseError as error:
            # Postgres is restarting: the next beat looks again.
            log.warning("schedule.failed", extra=fields(entry=entry.name, error=type(error).__name__))
        finally:
            close_old_connections()

    return run
