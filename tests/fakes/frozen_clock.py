"""One clock for the process and for Postgres, which stands still until a test sets it.

In the database the functions that tell the time are covered by others of the same name, for the test's own
connection and transaction: so what a query writes with Now() is of the same moment as what Python reads.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import time_machine
from django.db import connection

TOLD_BY = ("now", "statement_timestamp", "clock_timestamp", "transaction_timestamp")


class FrozenClock:
    """Use `frozen_clock` to get one. The test must run in a transaction."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller

    def set(self, moment: datetime) -> None:
        self._traveller.move_to(moment, tick=False)
        _run("SELECT set_config('frozen.now', %s, true)", [moment.isoformat()])


@contextmanager
def frozen_clock(moment: datetime) -> Iterator[FrozenClock]:
    """At this moment, UTC."""
    _run("CREATE SCHEMA frozen")
    for name in TOLD_BY:
        _run(
            f"CREATE FUNCTION frozen.{name}() RETURNS timestamptz LANGUAGE sql STABLE"
            " AS $$ SELECT current_setting('frozen.now')::timestamptz $$"
        )
    _run("SET LOCAL search_path = frozen, pg_catalog, public")
    with time_machine.travel(moment, tick=False) as traveller:
        clock = FrozenClock(traveller)
        clock.set(moment)
        yield clock


def _run(statement: str, parameters: list[str] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
