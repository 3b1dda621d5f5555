"""Every page of the console, looked at by a browser: axe, a phone's width, the console of the browser."""

import pytest
from playwright.sync_api import Page

from tests.browser.looks import PHONE, findings_in_both_themes, overhang
from tests.browser.routes import names, path_of
from tests.browser.rows import Rows
from tests.browser.seeds import Seeds

# It ends the session that all of these tests share.
ENDING = {"sign-out"}
# Not there before the second factor is on: test_second_factor.py looks at them.
SECOND_FACTOR = {"mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_download_recovery_codes"}
SHOWN = [name for name in names() if name not in ENDING | SECOND_FACTOR]
JOBS = "?job={job_id}&job={other_job_id}"
QUERIES = {
    "compare-jobs": JOBS,
    "compare-job-rows": JOBS,
    "deploy": "?reference={job_id}&checkpoint=1",
}


@pytest.mark.parametrize("name", SHOWN)
def test_page(owner: Page, stranger: Page, seeds: Seeds, db: Rows, name: str) -> None:
    path = db(path_of, name, seeds.ids) + QUERIES.get(name, "").format(**seeds.ids)
    answer = owner.context.request.get(path)
    assert answer.status < 500, answer.text()
    assert answer.ok or name not in QUERIES, answer.text()
    if not answer.text().lstrip().startswith("<!doctype html>"):
        return  # a part of a page, or a file
    # Whoever is signed in does not get to see the sign-in.
    page = owner if answer.url.endswith(path) else stranger

    assert "\n".join(findings_in_both_themes(page, path)) == ""
    page.set_viewport_size(PHONE)
    assert overhang(page) <= 0
