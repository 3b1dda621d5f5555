"""`/healthz`: this process answers. `/readyz`: it can do its work. For probes: no key, no secrets."""

from collections.abc import Callable

import redis.exceptions
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from embassy.platform import notify

_migrated = False


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if every check says "ok", else 503; each check is a sentence that says what is missing."""
    checks = {name: check() for name, check in CHECKS.items()}
    ready = all(answer == "ok" for answer in checks.values())
    status = "ready" if ready else "not ready"
    return JsonResponse({"status": status, "checks": checks}, status=200 if ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return "ok"
    except DatabaseError:
        return "Postgres does not answer: see DATABASE_URL."


def _migrations() -> str:
    try:
        return "ok" if _are_migrations_applied() else "Migrations are missing: run `manage.py migrate`."
    except DatabaseError:
        return "Unknown while Postgres does not answer."


def _redis() -> str:
    try:
        with notify.connect() as client:
            client.ping()
        return "ok"
    except redis.exceptions.RedisError:
        return "Redis does not answer: see REDIS_URL."


def _are_migrations_applied() -> bool:
    global _migrated
    if not _migrated:  # applied once is applied for the life of this process: spare later probes the reading
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


CHECKS: dict[str, Callable[[], str]] = {"database": _database, "migrations": _migrations, "redis": _redis}
