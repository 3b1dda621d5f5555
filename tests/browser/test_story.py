"""The way of somebody who never calls the API: from an invitation to an answer of their own model."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pictures import picture
from tests.e2e.live import SAMPLES, LivePlatform
from tests.waiting import wait_for

# Two trainings and an engine on two cores that others use, too.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TRAINING_MS = 240_000
UP_MS = 90_000
QUESTION = "Someone else logged in to my profile on Sunday."
TEAMS = re.compile("account|billing|sales|shipping|technical")
ANSWERED = re.compile(r"tokens? .*first after")
# Kept by a page until it is loaded anew.
MARK = "window.isTheSame = true"


def test_the_whole_story(platform: LivePlatform, open_tab: Callable[..., Page]) -> None:
    owner, page = open_tab(platform.url), open_tab(platform.url)
    sign_in(owner, *first_sign_in(platform.home))
    join(page, invite(owner, "ada@example.com"))
    create_project(page, "Ticket routing")
    choose_file(page, SAMPLES / "train.jsonl", name="tickets")
    drop_file(page, SAMPLES / "heldout.jsonl", name="held out")
    look_at_tokens(page)
    start_training(page, "slow", rate="0.001")
    start_training(page, "fast", rate="0.003")
    watch_the_curve_grow(page)
    read_the_scores(page)
    compare_jobs(page, "slow", "fast")
    deploy_the_best(page, "fast", "ticket-routing")
    chat(page)
    see_the_project(page, "Ticket routing")
    see_usage(page, "ticket-routing")


def first_sign_in(home: Path) -> tuple[str, str]:
    email, password = (home / "first-sign-in").read_text().split()
    return email, password


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/console/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Projects", level=1)).to_be_visible()


def invite(page: Page, email: str) -> str:
    """The link for who is invited."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Team").click()
    page.get_by_role("button", name="Invite").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail address").fill(email)
    dialog.get_by_role("button", name="Invite").click()
    return page.locator("#link-value").inner_text()


def join(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Make my account and join").click()
    expect(page.get_by_role("heading", name="Projects", level=1)).to_be_visible()


def create_project(page: Page, name: str) -> None:
    page.get_by_role("button", name="New project").first.click()
    page.get_by_role("dialog").get_by_label("Name").fill(name)
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def tab(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Project").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def choose_file(page: Page, path: Path, *, name: str) -> None:
    tab(page, "Data sets")
    page.locator("input[type=file]").set_input_files(path)
    upload(page, name)


def drop_file(page: Page, path: Path, *, name: str) -> None:
    """As if it were dragged here from the desktop."""
    tab(page, "Data sets")
    dragged = page.evaluate_handle(
        """([name, text]) => {
            const dragged = new DataTransfer();
            dragged.items.add(new File([text], name));
            return dragged;
        }""",
        [path.name, path.read_text()],
    )
    for kind in ("dragenter", "dragover", "drop"):
        page.locator(".dropzone").dispatch_event(kind, {"dataTransfer": dragged})
    expect(page.locator(".dropzone")).to_contain_text(path.name)
    upload(page, name)


def upload(page: Page, name: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Upload and check").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def look_at_tokens(page: Page) -> None:
    tab(page, "Data sets")
    page.get_by_role("link", name="tickets", exact=True).click()
    page.get_by_role("navigation", name="How rows are shown").get_by_role("link", name="Tokens").click()
    expect(page.get_by_role("article", name="Line 1", exact=True)).to_contain_text("trained on")
    picture(page, "dataset")


def start_training(page: Page, name: str, *, rate: str) -> None:
    tab(page, "Data sets")
    page.get_by_role("link", name="tickets", exact=True).click()
    page.get_by_role("link", name="Train on it").click()
    page.get_by_label("tiny-llama-instruct").check()
    page.get_by_label("Another data set").check()
    page.get_by_label("Test data set").select_option(label="held out (100 rows of prompts)")
    page.get_by_label("learning_rate").fill(rate)
    page.get_by_label("num_train_epochs").fill("5")
    page.get_by_label("per_device_train_batch_size").fill("16")
    page.get_by_role("checkbox", name="exact_match_shared").check()
    page.get_by_label("Name", exact=True).fill(name)
    expect(page.locator("#estimate")).to_contain_text("25 an epoch")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def watch_the_curve_grow(page: Page) -> None:
    """It says its newest value each time that it is drawn: three of them on one and the same page."""
    chart = page.get_by_role("img", name="At last: training")
    expect(chart).to_be_visible(timeout=UP_MS)
    page.evaluate(MARK)
    for _ in range(2):
        said = chart.get_attribute("aria-label")
        expect(page.locator(".chart")).not_to_have_attribute("aria-label", str(said), timeout=UP_MS)
    assert page.evaluate("window.isTheSame")


def read_the_scores(page: Page) -> None:
    expect(page.locator("#state").get_by_text("Success")).to_be_visible(timeout=TRAINING_MS)
    best = page.locator("#checkpoints").get_by_role("row").filter(has_text="best")
    expect(best).to_be_visible()
    page.reload()
    expect(page.get_by_role("img", name="At last: training")).to_be_visible()
    picture(page, "job", height=1320)
    picture(page, "job-dark", theme="dark")
    page.get_by_role("button", name="Rows").last.click()
    expect(page.get_by_role("columnheader", name="Expected")).to_be_visible()


def compare_jobs(page: Page, *names: str) -> None:
    tab(page, "Training jobs")
    for name in names:
        page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True)).get_by_role(
            "checkbox"
        ).check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Compare 2 jobs", level=1)).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="learning_rate")).to_contain_text("0.003")
    expect(page.get_by_role("img", name="At last: ")).to_be_visible()
    picture(page, "compare", height=1180)


def deploy_the_best(page: Page, job: str, name: str) -> None:
    tab(page, "Training jobs")
    page.get_by_role("link", name=job, exact=True).click()
    best = page.locator("#checkpoints").get_by_role("row").filter(has_text="best")
    best.get_by_role("button", name="Deploy").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Deploy").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(page.get_by_text("It answers now.")).to_be_visible(timeout=UP_MS)


def chat(page: Page) -> None:
    tab(page, "Playground")
    page.get_by_role("button", name="Add a model").click()
    pane = page.get_by_role("region", name="A model's answers")
    expect(pane).to_have_count(2)
    pane.nth(0).get_by_role("combobox", name="Model").select_option(label="ticket-routing · text-generation")
    pane.nth(1).get_by_role("combobox", name="Model").select_option(
        label="tiny-llama-instruct · text-generation"
    )
    page.get_by_label("Your text").fill(QUESTION)
    with page.expect_response(lambda answer: answer.url.endswith("/ask")) as asked:
        page.get_by_role("button", name="Send to all").click()
    assert asked.value.headers["content-type"].startswith("text/event-stream")
    for each in (pane.nth(0), pane.nth(1)):
        expect(each.get_by_role("status")).to_contain_text(ANSWERED, timeout=UP_MS)
    expect(pane.nth(0).get_by_role("log")).to_contain_text(TEAMS)
    picture(page, "playground")


def see_the_project(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Project").get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    picture(page, "project", height=620)


def see_usage(page: Page, deployment: str) -> None:
    """What was asked is counted a moment later. In the project: the organization has pages of others."""
    page.get_by_role("navigation", name="Project").get_by_role("link", name="Usage").click()
    expect(page.get_by_role("heading", name="Usage", level=1)).to_be_visible()
    page.get_by_role("navigation", name="Usage by").get_by_role("link", name="Deployment").click()

    def is_counted() -> bool:
        page.reload()
        return page.get_by_role("row").filter(has_text=deployment).count() == 1

    wait_for(is_counted, "the question to be counted")
    picture(page, "usage", height=1000)
