"""The probes: no key, JSON, and a sentence for what is missing."""

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from embassy.platform import health

pytestmark = pytest.mark.django_db


def test_a_process_that_answers_is_alive(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_ready_with_all_its_stores(client: Client) -> None:
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "redis": "ok"},
    }


def test_not_ready_without_redis(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    response = client.get("/readyz")

    assert response.status_code == 503
    assert "REDIS_URL" in response.json()["checks"]["redis"]


def test_not_ready_without_postgres(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError("connection refused: secret host")

    monkeypatch.setattr(health.connection, "cursor", refuse)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert "secret" not in response.content.decode()


def test_not_ready_before_its_migrations(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_are_migrations_applied", lambda: False)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert "manage.py migrate" in response.json()["checks"]["migrations"]


def test_probes_are_only_read(client: Client) -> None:
    assert client.post("/healthz").status_code == 405
