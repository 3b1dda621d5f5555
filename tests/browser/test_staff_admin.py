"""The staff admin's pages do what they are for under a policy without inline scripts."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from embassy.projects.models import User
from tests.browser.people import session_cookie
from tests.browser.rows import Rows
from tests.browser.served import Served
from tests.factories.projects import make_actor, make_project

LISTS = ("projects/user", "projects/apikey", "projects/auditevent", "projects/project")


def make_rows() -> User:
    make_project(make_actor())
    return User.objects.create_superuser("staff@example.com", "a long password")


@pytest.fixture(scope="module")
def superuser(db: Rows) -> User:
    return db(make_rows)


@pytest.fixture
def staff(open_tab: Callable[..., Page], db: Rows, served: Served, superuser: User) -> Page:
    page = open_tab(served.url)
    page.context.add_cookies([db(session_cookie, superuser, served.url)])
    return page


def test_staff_look_into_rows(staff: Page) -> None:
    staff.goto("/admin/")
    expect(staff.get_by_role("link", name="Training jobs").first).to_be_visible()
    for name in LISTS:
        staff.goto(f"/admin/{name}/")
        row = staff.locator("#result_list tbody tr a").first
        expect(row).to_be_visible()
        row.click()
        expect(staff.locator("#content")).to_be_visible()
        assert "/change/" in staff.url


def test_the_scripts_of_the_library_run(staff: Page) -> None:
    """Were they stopped, the search would find nothing and the sidebar would not fold."""
    staff.goto("/admin/projects/user/")
    expect(staff.locator("#nav-sidebar")).to_be_visible()
    search = staff.locator("input[name=q]").first
    search.fill("staff@example.com")
    search.press("Enter")
    expect(staff.locator("#result_list tbody tr")).to_have_count(1)
