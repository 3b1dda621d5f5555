"""Start real Postgres and Valkey once, before Django reads its settings, for all xdist workers.

EMBASSY_TEST_EXTERNAL_STORES=1 takes DATABASE_URL and REDIS_URL from the environment instead.
"""

import os
from collections.abc import Generator
from contextlib import ExitStack
from urllib.parse import urlsplit, urlunsplit

import pytest

from embassy.platform.launcher.testing import running_stores

_stores = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    # pytest-django loads the settings in this very hook; a wrapper comes before it.
    inherited = "PYTEST_XDIST_WORKER" in os.environ
    if not inherited and os.environ.get("EMBASSY_TEST_EXTERNAL_STORES") != "1":
        os.environ.update(_stores.enter_context(running_stores()))
    if inherited:
        os.environ["REDIS_URL"] = own_database(os.environ["REDIS_URL"], os.environ["PYTEST_XDIST_WORKER"])
    return (yield)


def own_database(url: str, worker: str) -> str:
    """As each xdist worker has its own rows, so it has its own queue: no Celery worker of one test may
    take the wake-up that another test waits for."""
    number = int(worker.removeprefix("gw")) + 1
    parts = urlsplit(url)
    own = {"query": f"db={number}"} if parts.scheme == "unix" else {"path": f"/{number}"}
    return urlunsplit(parts._replace(**own))


def pytest_unconfigure() -> None:
    _stores.close()
