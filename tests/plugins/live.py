"""One platform for all tests of a session that only use it; those that kill parts have their own."""

from collections.abc import Iterator

import pytest

from embassy.platform.launcher.testing import temporary_home
from tests.e2e.live import LivePlatform


@pytest.fixture(scope="session")
def platform() -> Iterator[LivePlatform]:
    with temporary_home() as home:
        with LivePlatform(home) as live:
            yield live
        assert live.leftovers() == []
