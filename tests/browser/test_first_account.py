"""An empty platform, from the link that it prints to a second factor."""

import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.management import call_command
from playwright.sync_api import Page, expect

from embassy.projects.enrolment import set_up_token
from tests.browser.looks import findings_in_both_themes
from tests.browser.rows import Rows
from tests.browser.served import Served

PASSWORD = "correct horse battery"


@pytest.fixture
def empty(db: Rows, served: Served) -> None:
    db(call_command, "flush", verbosity=0, interactive=False)


def test_the_first_account_and_its_second_factor(stranger: Page, empty: None) -> None:
    stranger.goto("/console/")
    expect(stranger.get_by_role("heading", name="Nobody has set up this platform yet")).to_be_visible()
    make_the_first_account(stranger, f"/console/set-up?token={set_up_token()}")
    codes = turn_on_the_second_factor(stranger)
    assert len(codes) == 10
    for page in ("codes", "off"):
        assert findings_in_both_themes(stranger, f"/console/account/second-factor/{page}") == []


def make_the_first_account(page: Page, link: str) -> None:
    assert findings_in_both_themes(page, link) == []
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Organization").fill("Analytical Engines")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Make the first account").click()
    expect(page.locator(".invalid-feedback")).to_contain_text("too short")
    expect(page.get_by_label("Organization")).to_have_value("Analytical Engines")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the first account").click()
    expect(page.get_by_role("heading", name="Projects", level=1)).to_be_visible()
    expect(page.get_by_text("Start with a project")).to_be_visible()


def turn_on_the_second_factor(page: Page) -> list[str]:
    """Its recovery codes."""
    page.goto("/console/account")
    page.get_by_role("link", name="Turn on").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_be_visible()
    if heading.inner_text() == "Is it you?":  # the sign-in of a moment ago may be enough
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
    secret = page.locator("code.once").inner_text()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("alert")).to_contain_text("not the one")
    page.get_by_label("Code").fill(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    return page.locator("main code, .card code").all_inner_texts()
