"""The console without a mouse."""

from playwright.sync_api import Page, expect

from tests.browser.looks import serious_findings
from tests.browser.routes import path_of
from tests.browser.rows import Rows
from tests.browser.seeds import Seeds

IS_INSIDE = """dialog => {
    const focused = document.activeElement;
    return focused === document.body || dialog.contains(focused);
}"""


def test_the_first_stop_leads_past_the_navigation(owner: Page, seeds: Seeds) -> None:
    owner.goto("/console/")
    owner.keyboard.press("Tab")
    skip = owner.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    owner.keyboard.press("Enter")
    assert owner.url.endswith("#content")
    owner.keyboard.press("Tab")
    assert owner.evaluate("document.getElementById('content').contains(document.activeElement)")


def test_a_dialog_keeps_the_focus_and_gives_it_back(owner: Page, seeds: Seeds, db: Rows) -> None:
    owner.goto("/console/")
    opener = owner.get_by_role("button", name="New project").first
    opener.focus()
    owner.keyboard.press("Enter")
    dialog = owner.get_by_role("dialog")
    expect(dialog.get_by_label("Name")).to_be_focused()
    for _ in range(12):
        owner.keyboard.press("Tab")
        assert dialog.evaluate(IS_INSIDE)
    owner.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_every_dialog_can_be_read_and_closes_by_escape(owner: Page, seeds: Seeds, db: Rows) -> None:
    for name in ("project", "dataset", "job", "deployment", "keys", "engines", "team"):
        owner.goto(db(path_of, name, seeds.ids))
        for opener in owner.locator("[data-opens]:visible").all():
            opener.focus()
            owner.keyboard.press("Enter")
            expect(owner.get_by_role("dialog")).to_be_visible()
            assert serious_findings(owner) == []
            owner.keyboard.press("Escape")
            expect(owner.get_by_role("dialog")).to_be_hidden()


def test_the_account_menu_is_reached_and_left(owner: Page, seeds: Seeds) -> None:
    owner.goto("/console/")
    menu = owner.locator("summary[aria-label='Your account']")
    menu.focus()
    owner.keyboard.press("Enter")
    expect(owner.get_by_role("link", name="Your account")).to_be_visible()
    owner.keyboard.press("Tab")
    expect(owner.get_by_role("link", name="Your account")).to_be_focused()
    owner.keyboard.press("Escape")
    expect(owner.get_by_role("link", name="Your account")).to_be_hidden()
    expect(menu).to_be_focused()


def test_where_one_is_is_said(owner: Page, seeds: Seeds, db: Rows) -> None:
    owner.goto(db(path_of, "datasets", seeds.ids))
    for navigation, place in (("Main", "Projects"), ("Project", "Data sets")):
        here = owner.get_by_role("navigation", name=navigation).locator("[aria-current=page]")
        expect(here).to_have_text(place)
