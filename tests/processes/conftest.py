"""Fixtures for tests with real processes."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_django import Settings

from embassy.evaluation.sandbox.policy import Level, Policy
from embassy.evaluation.sandbox.strength import strength
from embassy.platform.launcher.testing import output_of, temporary_home
from tests.processes.engine_host import EngineHost


@pytest.fixture(params=[Level.STRONG, Level.BASIC], ids=str)
def level(request: pytest.FixtureRequest) -> Level:
    """Each level of the sandbox that this machine has."""
    wanted: Level = request.param
    found = strength(Policy(wanted=wanted))
    if found.level is not wanted:
        pytest.skip(found.reason)
    return wanted


@pytest.fixture
def host(settings: Settings, tmp_path: Path) -> Iterator[EngineHost]:
    """A host that runs engines, in a home of its own."""
    settings.HOME = tmp_path
    with ExitStack() as stack:
        host = EngineHost(tmp_path, stack)
        host.cache.mkdir(parents=True)
        yield host


@pytest.fixture(scope="module")
def kept_home() -> Iterator[Path]:
    """A launcher's home for many tests: making a database takes longer than all the rest."""
    with temporary_home() as path:
        yield path


@pytest.fixture
def home(kept_home: Path) -> Path:
    output_of(kept_home).unlink(missing_ok=True)
    return kept_home
