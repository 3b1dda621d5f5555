"""What each form says to what cannot be: beside the field, with what was typed still there."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.routes import path_of
from tests.browser.rows import Rows
from tests.browser.seeds import Seeds

Open = Callable[[str], Page]


@pytest.fixture
def open_page(owner: Page, seeds: Seeds, db: Rows) -> Open:
    """A page by the name of its address, whose forms the browser itself does not check."""

    def open_one(name: str, query: str = "") -> Page:
        owner.goto(db(path_of, name, seeds.ids) + query)
        let_everything_through(owner)
        return owner

    return open_one


def let_everything_through(page: Page) -> None:
    """As from a client that knows nothing of `required`, `max` or `maxlength`."""
    page.evaluate(
        """() => {
            for (const form of document.forms) form.noValidate = true;
            for (const field of document.querySelectorAll("[maxlength]")) field.removeAttribute("maxlength");
        }"""
    )


def said(page: Page | Locator) -> Locator:
    """What is wrong: boxes and words beside fields."""
    return page.locator("[role=alert], .invalid-feedback").filter(visible=True)


def opened(page: Page, button: str) -> Locator:
    page.get_by_role("button", name=button).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


# --- people ---------------------------------------------------------------------------------------


def test_a_wrong_password(stranger: Page, seeds: Seeds) -> None:
    stranger.goto("/console/sign-in")
    stranger.get_by_label("E-mail address").fill("nobody@example.com")
    stranger.get_by_label("Password").fill("guessed")
    stranger.get_by_role("button", name="Sign in").click()
    expect(said(stranger)).to_contain_text("do not belong together")
    expect(stranger.get_by_label("E-mail address")).to_have_value("nobody@example.com")


def test_passwords_that_differ(open_page: Open) -> None:
    page = open_page("password")
    for field in page.locator("input[type=password]").all():
        field.fill(f"password {field.get_attribute('name')}")
    page.get_by_role("button", name="Change password").click()
    expect(said(page).first).to_be_visible()


def test_a_second_factor_without_the_password(open_page: Open) -> None:
    page = open_page("mfa_activate_totp")
    page.get_by_label("Password").fill("guessed")
    page.locator("form[method=post] button.btn-primary").click()
    expect(said(page).first).to_be_visible()


def test_an_invitation_of_somebody_who_is_here(open_page: Open, seeds: Seeds) -> None:
    dialog = opened(open_page("team"), "Invite")
    dialog.get_by_label("E-mail address").fill(seeds.owner.email)
    dialog.get_by_role("button", name="Invite").click()
    expect(said(dialog.page).first).to_be_visible()


def test_the_last_owner_stays_one(open_page: Open, seeds: Seeds) -> None:
    page = open_page("team")
    page.get_by_role("button", name=f"Role of {seeds.owner.email}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").select_option("member")
    dialog.locator("button.btn-primary").click()
    expect(said(page).first).to_contain_text("owner")


# --- projects, data sets, jobs ----------------------------------------------------------------------


def test_a_project_without_a_name(open_page: Open) -> None:
    dialog = opened(open_page("projects"), "New project")
    dialog.get_by_label("Name").fill(" ")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.page.get_by_text("name").first).to_be_visible()


def test_a_project_that_loses_its_name(open_page: Open) -> None:
    dialog = opened(open_page("project"), "Rename")
    dialog.get_by_label("Name").fill("x" * 121)
    dialog.get_by_role("button", name="Rename").click()
    expect(said(dialog).first).to_contain_text("120")
    expect(dialog.get_by_label("Name")).to_have_value("x" * 121)


def test_a_project_deleted_by_another_name(open_page: Open) -> None:
    dialog = opened(open_page("project"), "Delete")
    dialog.get_by_label("to confirm").fill("another")
    dialog.get_by_role("button", name="Delete all of it").click()
    expect(said(dialog).first).to_be_visible()


def test_a_job_of_nothing(open_page: Open) -> None:
    page = open_page("new-job")
    page.get_by_label("Name", exact=True).fill("kept")
    page.get_by_label("Data set", exact=True).select_option("")
    page.get_by_role("button", name="Start training").click()
    expect(said(page).first).to_contain_text("not right yet")
    expect(page.get_by_label("Name", exact=True)).to_have_value("kept")


def test_a_parameter_out_of_bounds(open_page: Open, seeds: Seeds) -> None:
    page = open_page("new-job", f"?dataset={seeds.ids['dataset_id']}")
    page.get_by_label("learning_rate").fill("50")
    page.get_by_role("button", name="Start training").click()
    expect(said(page).first).to_contain_text("learning_rate")
    expect(page.get_by_label("learning_rate")).to_have_value("50")
    expect(page.get_by_label("learning_rate")).to_have_attribute("aria-invalid", "true")


# --- deployments, engines ---------------------------------------------------------------------------


def test_a_name_that_is_taken(open_page: Open) -> None:
    page = open_page("job")
    page.get_by_role("button", name="Deploy checkpoint 1").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("router")
    dialog.get_by_role("button", name="Deploy").click()
    expect(said(dialog).first).to_contain_text("router")
    expect(dialog.get_by_label("Name")).to_have_value("router")


def test_a_deployment_that_loses_its_name(open_page: Open) -> None:
    dialog = opened(open_page("deployment"), "Change")
    dialog.get_by_label("Name").fill("")
    dialog.get_by_label("Description").fill("kept")
    dialog.get_by_role("button", name="Save").click()
    expect(said(dialog).first).to_be_visible()
    expect(dialog.get_by_label("Description")).to_have_value("kept")


def test_an_engine_that_never_rests(open_page: Open) -> None:
    dialog = opened(open_page("engines"), "New engine")
    dialog.get_by_label("Name", exact=True).fill("kept")
    dialog.get_by_label("Minutes without requests until it sleeps").fill("0")
    dialog.get_by_role("button", name="Make it").click()
    expect(said(dialog).first).to_be_visible()
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("kept")


def test_an_engine_that_loses_its_name(open_page: Open) -> None:
    dialog = opened(open_page("engine"), "Change")
    dialog.get_by_label("Name", exact=True).fill(" ")
    dialog.get_by_label("Minutes without requests until it sleeps").fill("45")
    dialog.get_by_role("button", name="Save").click()
    expect(said(dialog).first).to_be_visible()
    expect(dialog.get_by_label("Minutes without requests until it sleeps")).to_have_value("45")


def test_logs_kept_for_too_long(open_page: Open) -> None:
    dialog = opened(open_page("deployment-requests"), "Settings")
    dialog.get_by_label("For how many days").fill("9999")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.page.get_by_text("365").first).to_be_visible()


# --- keys -------------------------------------------------------------------------------------------


def test_a_key_that_may_do_nothing(open_page: Open) -> None:
    page = open_page("new-key")
    page.get_by_label("Name").fill("kept")
    page.get_by_label("May do everything").uncheck()
    page.get_by_role("button", name="Create").click()
    expect(said(page).first).to_contain_text("No key was made")
    expect(page.get_by_label("Name")).to_have_value("kept")


def test_limits_below_zero(open_page: Open) -> None:
    dialog = opened(open_page("keys"), "Limits")
    dialog.get_by_label("Requests a minute").fill("-1")
    dialog.get_by_label("Tokens a minute").fill("500")
    dialog.get_by_role("button", name="Save").click()
    expect(said(dialog).first).to_contain_text("whole number")
    expect(dialog.get_by_label("Tokens a minute")).to_have_value("500")


# --- usage ------------------------------------------------------------------------------------------


def test_a_time_that_ends_before_it_begins(open_page: Open) -> None:
    page = open_page("usage")
    page.get_by_label("First day").fill("2026-02-02")
    page.get_by_label("Last day").fill("2026-01-01")
    page.get_by_role("button", name="Show").click()
    expect(said(page).first).to_be_visible()
    expect(page.get_by_label("First day")).to_have_value("2026-02-02")
