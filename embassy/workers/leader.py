"""One scheduler leads; the others wait. Leadership is a Postgres advisory lock held by one session.

The lock goes with the session: a killed leader is replaced as soon as Postgres notices, within about a
second. The session is checked at every beat, so that a leader that lost it stops at once.
"""

import psycopg
from django.db import connection

LEADER_LOCK = 7_306_070
ADDRESS = ("host", "port", "dbname", "user", "password")


class Leadership:
    def __init__(self) -> None:
        self._session: psycopg.Connection[tuple[object, ...]] | None = None

    def acquire(self) -> bool:
        """Try once. Raises `psycopg.OperationalError` while the database cannot be reached."""
        parameters = connection.get_connection_params()
        options = {name: parameters[name] for name in ADDRESS if parameters.get(name)}
        session = psycopg.connect(**options, autocommit=True, connect_timeout=5)
        row = session.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK]).fetchone()
        if row is None or not row[0]:
            session.close()
            return False
        self._session = session
        return True

    def holds(self) -> bool:
        if self._session is None:
            return False
        try:
            self._session.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def release(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
