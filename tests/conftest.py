"""Fixtures that every test may use. The stores are started by tests/plugins/stores.py."""

from pathlib import Path

import hypothesis
import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from embassy.platform.actor import Actor
from embassy.projects import selectors
from embassy.projects.models import Project
from tests.factories.projects import make_key, make_organization, make_project

# How fast the machine is says nothing about the code.
hypothesis.settings.register_profile(
    "embassy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("embassy")


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    """No test writes into another's objects, runs or cache."""
    settings.STORAGE_DIR = tmp_path / "files"
    settings.RUNS_DIR = tmp_path / "runs"
    settings.CACHE_DIR = tmp_path / "cache"
    # A password hash that is slow on purpose costs half a second a test.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def client_for(plain_key: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=plain_key)
    return client


@pytest.fixture
def key(db: None) -> tuple[Actor, str]:
    row, plain = make_key(make_organization())
    return selectors.actor_of_key(row), plain


@pytest.fixture
def actor(key: tuple[Actor, str]) -> Actor:
    return key[0]


@pytest.fixture
def api(key: tuple[Actor, str]) -> APIClient:
    """A client with the key of `actor`."""
    return client_for(key[1])


@pytest.fixture
def project(actor: Actor) -> Project:
    return make_project(actor)


@pytest.fixture
def other_api(db: None) -> APIClient:
    """A client of another organization."""
    return client_for(make_key()[1])


@pytest.fixture
def anonymous_api() -> APIClient:
    return APIClient()
