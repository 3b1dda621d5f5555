"""Start real Postgres and Valkey once, before Django reads its settings, for all xdist workers.

EMBASSY_TEST_EXTERNAL_STORES=1 takes DATABASE_URL and REDIS_URL from the environment instead.
"""

import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from embassy.platform.launcher.testing import running_stores

_stores = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    # pytest-django loads the settings in this very hook; a wrapper comes before it.
    inherited = "PYTEST_XDIST_WORKER" in os.environ
    if not inherited and os.environ.get("EMBASSY_TEST_EXTERNAL_STORES") != "1":
        os.environ.update(_stores.enter_context(running_stores()))
    return (yield)


def pytest_unconfigure() -> None:
    _stores.close()
