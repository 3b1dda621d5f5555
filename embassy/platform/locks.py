"""Locks that Postgres keeps for a transaction, by a number that all who want the same agree on."""

from django.db import connection


def lock(number: int) -> None:
    """Wait until nobody else holds it, and hold it until the transaction ends. `number` has 64 bits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
