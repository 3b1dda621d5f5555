"""Every page of the console, looked at by a browser: axe, a phone's width, the console of the browser."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.people import session_cookie
from tests.browser.routes import address, routes
from tests.browser.rows import Rows
from tests.browser.seeds import Seeds, make_seeds
from tests.browser.served import Served

PHONE = {"width": 390, "height": 844}
# It ends the session that all of these tests share.
ENDING = {"console/sign-out"}


@pytest.fixture(scope="module")
def seeds(db: Rows, served: Served) -> Seeds:
    return db(make_seeds)


@pytest.fixture
def owner(open_tab: Callable[..., Page], db: Rows, served: Served, seeds: Seeds) -> Page:
    page = open_tab(served.url, reduced_motion="reduce")
    page.context.add_cookies([db(session_cookie, seeds.owner, served.url)])
    return page


@pytest.mark.parametrize("route", [route for route in routes() if route not in ENDING])
def test_page(owner: Page, seeds: Seeds, route: str) -> None:
    path = address(route, seeds.ids)
    answer = owner.context.request.get(path)
    assert answer.ok, answer.text()
    if not answer.text().startswith("<!doctype html>"):
        return  # a part of a page, or a file

    findings = []
    for theme in ("light", "dark"):
        owner.emulate_media(color_scheme=theme)
        owner.goto(path)
        findings += [f"{theme}: {finding}" for finding in serious_findings(owner)]
    owner.set_viewport_size(PHONE)
    assert "\n".join(findings) == ""
    assert overhang(owner) <= 0


def serious_findings(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{finding['id']}: {node['html'][:200]} {node['failureSummary']}"
        for finding in found
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]


def overhang(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
