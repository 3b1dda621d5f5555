"""Asks a Postgres or a Redis whether it answers, in words that a person can act on and without passwords."""

from urllib.parse import unquote, urlsplit

import psycopg
import redis
from psycopg.conninfo import conninfo_to_dict

from embassy.platform.launcher.errors import LaunchError, NotReady

_TIMEOUT_S = 3


def ask_postgres(url: str) -> None:
    """Connect and run one query. Raises NotReady, or LaunchError where waiting cannot help."""
    _check_postgres_form(url)
    try:
        with psycopg.connect(url, connect_timeout=_TIMEOUT_S) as connection:
            connection.execute("select 1")
    except psycopg.OperationalError as error:
        reason = _without_secrets(str(error), url)
        if _is_refusal(reason):
            raise LaunchError(f"Postgres refuses us: {reason}") from None
        raise NotReady(reason) from None


def ask_for_pgvector(url: str) -> None:
    """Raises LaunchError where the server could not create the extension."""
    with psycopg.connect(url, connect_timeout=_TIMEOUT_S) as connection:
        found = connection.execute("select 1 from pg_available_extensions where name = 'vector'").fetchone()
    if found is None:
        raise LaunchError("The server of DATABASE_URL has no pgvector extension. Install pgvector there.")


def ask_redis(url: str) -> None:
    """Send PING. Raises NotReady, or LaunchError where waiting cannot help."""
    try:
        client = redis.Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
    except ValueError:
        raise LaunchError(
            "REDIS_URL must look like redis://:password@host:6379/0 or unix://:password@/path?db=0."
        ) from None
    try:
        client.ping()
    except redis.AuthenticationError as error:
        raise LaunchError(f"Redis refuses us: {_without_secrets(str(error), url)}") from None
    except redis.RedisError as error:
        raise NotReady(_without_secrets(str(error), url)) from None
    finally:
        client.close()


def _check_postgres_form(url: str) -> None:
    # libpq repeats an address that it cannot read, password and all: never show that message.
    try:
        conninfo_to_dict(url)
        parts = urlsplit(url)
        valid = parts.scheme in ("postgres", "postgresql") and (parts.port is None or parts.port > 0)
    except (psycopg.ProgrammingError, ValueError):
        valid = False
    if not valid:
        raise LaunchError("DATABASE_URL must look like postgresql://user:password@host:5432/database.")


def _is_refusal(reason: str) -> bool:
    words = (
        "password authentication failed",
        "no password supplied",
        "does not exist",
        "no pg_hba.conf entry",
    )
    # The socket's folder "does not exist" too while a server starts.
    return any(word in reason for word in words) and "FATAL" in reason


def _without_secrets(text: str, url: str) -> str:
    password = urlsplit(url).password or ""
    for secret in {password, unquote(password)} - {""}:
        text = text.replace(secret, "***")
    return " ".join(text.split())
