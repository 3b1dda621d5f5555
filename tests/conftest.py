"""The suite runs on real Postgres and Valkey, started once for all xdist workers (or taken from outside)."""

import os
from contextlib import ExitStack

import pytest

_stores = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    # Before Django reads its settings. The workers of xdist inherit the controller's environment.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "embassy.platform.settings")
    os.environ["HF_HUB_OFFLINE"] = "1"
    if hasattr(config, "workerinput"):
        return
    if os.environ.get("EMBASSY_TEST_EXTERNAL_STORES") != "1":
        from embassy.platform.launcher.testing import running_stores

        os.environ.update(_stores.enter_context(running_stores()))


def pytest_unconfigure(config: pytest.Config) -> None:
    _stores.close()
