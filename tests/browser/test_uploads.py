"""A file of several parts, sent by the script of the page: also when connections go, or the page is left."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from embassy.datasets.models import Dataset, Upload
from embassy.datasets.uploads.check import check_upload
from embassy.projects.models import Project
from tests.browser.people import session_cookie
from tests.browser.rows import Rows
from tests.browser.seeds import Seeds
from tests.browser.served import Served

LINE = b'{"prompt": "What is one and one and one and one and one? %06d", "completion": "five"}\n'
PARTS = 3
PUTS = re.compile(r"/files/")


@pytest.fixture(scope="module")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bit more than two parts, and more than what is checked at once."""
    path = tmp_path_factory.mktemp("big") / "big.jsonl"
    with path.open("wb") as file:
        file.writelines(LINE % number for number in range(200_000))
    return path


@pytest.fixture
def page(browser: Browser, served: Served, seeds: Seeds, db: Rows) -> Iterator[Page]:
    """Of the data sets. Connections are lost here, which the browser calls errors."""
    context = browser.new_context(base_url=served.url)
    context.add_cookies([db(session_cookie, seeds.owner, served.url)])
    page = context.new_page()
    page.goto(f"/console/projects/{seeds.ids['project_id']}/datasets")
    yield page
    db(Upload.objects.all().delete)
    db(Dataset.objects.filter(file_name="big.jsonl").delete)
    context.close()


def start(page: Page, path: Path) -> None:
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Upload and check").click()


def uploads(seeds: Seeds) -> list[Upload]:
    """Those of the page's project that its script has made."""
    project = Project.objects.get(public_id=seeds.ids["project_id"])
    return list(Upload.objects.filter(project=project, file_name="big.jsonl"))


def check_all(seeds: Seeds) -> None:
    """What a worker does."""
    for upload in uploads(seeds):
        check_upload(upload.pk)


def test_a_big_file_is_sent_in_parts_and_checked_by_a_worker(
    page: Page, big_file: Path, seeds: Seeds, db: Rows
) -> None:
    start(page, big_file)
    expect(page.get_by_role("status")).to_contain_text("Waiting for a worker")
    db(check_all, seeds)
    expect(page.get_by_role("heading", name="big", level=1)).to_be_visible()
    expect(page.get_by_text("200000", exact=True).first).to_be_visible()


def test_goes_on_after_a_lost_connection_and_a_reload(
    page: Page, big_file: Path, seeds: Seeds, db: Rows
) -> None:
    sent: list[str] = []

    def lose_some(route: Route) -> None:
        """The first attempt at each part is lost, and all of the third one's."""
        number = route.request.url
        sent.append(number)
        if len(sent) <= 1 or len(route.request.post_data_buffer or b"") < 8 * 1024 * 1024:
            route.abort()
        else:
            route.continue_()

    page.route(PUTS, lose_some)
    with page.expect_response(lambda answer: answer.request.method == "PUT" and answer.ok):
        start(page, big_file)
    expect(page.get_by_role("status")).to_contain_text("The connection was lost")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    page.unroute(PUTS)
    page.reload()
    expect(page.get_by_text("Choose the same file again")).to_be_visible()
    again: list[str] = []
    page.on("request", lambda request: again.append(request.url) if request.method == "PUT" else None)
    start(page, big_file)
    expect(page.get_by_role("status")).to_contain_text("Waiting for a worker")
    assert len(again) < PARTS  # some were there already
    assert len(db(uploads, seeds)) == 1
    db(check_all, seeds)
    expect(page.get_by_role("heading", name="big", level=1)).to_be_visible()


def test_cancelling_leaves_nothing_behind(page: Page, big_file: Path, seeds: Seeds, db: Rows) -> None:
    page.route(PUTS, lambda route: route.abort())
    start(page, big_file)
    expect(page.get_by_role("status")).to_contain_text("The connection was lost")
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Cancelled")
    page.reload()
    expect(page.get_by_role("button", name="Upload and check")).to_be_visible()
    expect(page.get_by_text("Choose the same file again")).to_have_count(0)


def test_a_bad_file_shows_its_report_beside_the_form(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("input,expected_output\na,\nb,2\n")
    start(page, path)
    report = page.locator("#report")
    expect(report).to_contain_text("This file was not taken")
    expect(report.get_by_role("link", name="CSV")).to_be_visible()
    expect(page.get_by_role("button", name="Upload and check")).to_be_visible()
