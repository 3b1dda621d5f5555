"""Debian's Chromium, a web server on the test's database, and people who are signed in.

Nothing is ever downloaded: without Chromium the tests are skipped.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django import Settings

from embassy.platform.launcher.testing import temporary_home
from tests.browser.people import session_cookie
from tests.browser.rows import Rows
from tests.browser.seeds import Seeds, make_seeds
from tests.browser.served import Served, serve
from tests.browser.visits import Visit

# What a click may take on a machine that is busy; nothing is measured by it.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
DESKTOP = {"width": 1280, "height": 860}


@pytest.fixture(scope="package")
def db(django_db_setup: None, django_db_blocker: Any) -> Iterator[Rows]:
    """In place of pytest-django's: rows are committed, and each test makes an organization of its own.

    The name tells pytest-django that there must be a database.
    """
    with django_db_blocker.unblock(), Rows() as rows:
        yield rows


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    options = ["--disable-dev-shm-usage"]  # containers have next to none
    if os.geteuid() == 0:
        options.append("--no-sandbox")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=options) as browser,
    ):
        yield browser


@pytest.fixture(scope="package")
def served(db: Rows, browser: Browser) -> Iterator[Served]:
    with temporary_home() as home, ExitStack() as stack:
        served: Served = db(serve, stack, home)
        with override_settings(**served.settings):
            yield served


@pytest.fixture(autouse=True)
def _shared_folders(request: pytest.FixtureRequest, settings: Settings, _own_folders: None) -> None:
    """What a test stores is where the server looks for it."""
    if "served" in request.fixturenames:
        for name, value in request.getfixturevalue("served").settings.items():
            setattr(settings, name, value)


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Tabs of browsers that know nothing of each other; in the end none may have had an error."""
    visits: list[Visit] = []
    contexts: list[BrowserContext] = []

    def open_one(url: str, **options: Any) -> Page:
        context = browser.new_context(base_url=url, **({"viewport": DESKTOP} | options))
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        visits.append(Visit(page))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert [error for visit in visits for error in visit.errors] == []


@pytest.fixture
def stranger(open_tab: Callable[..., Page], served: Served) -> Page:
    """Somebody who is not signed in."""
    return open_tab(served.url)


@pytest.fixture(scope="package")
def seeds(db: Rows, served: Served) -> Seeds:
    """For tests that leave all of it as it is."""
    return db(make_seeds)


@pytest.fixture
def owner(open_tab: Callable[..., Page], db: Rows, served: Served, seeds: Seeds) -> Page:
    page = open_tab(served.url, reduced_motion="reduce")
    page.context.add_cookies([db(session_cookie, seeds.owner, served.url)])
    return page
