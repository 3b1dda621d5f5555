"""The form of a training job and the editor of test functions, as somebody uses them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from embassy.projects.models import Membership, Role, User
from embassy.projects.selectors import actor_of_key
from tests.browser.looks import PHONE, overhang, serious_findings
from tests.browser.people import session_cookie
from tests.browser.rows import Rows
from tests.browser.served import Served
from tests.factories.datasets import make_dataset
from tests.factories.projects import make_key, make_organization, make_project
from tests.factories.training import make_checkpoint, make_job, make_rows


@dataclass(frozen=True)
class Seeds:
    owner: User
    project_id: str
    dataset_id: str


def make_seeds() -> Seeds:
    organization = make_organization(name="Acme")
    actor = actor_of_key(make_key(organization)[0])
    project = make_project(actor, name="Sums")
    dataset = make_dataset(project=project, actor=actor, content=make_rows(), file_name="sums.jsonl")
    job = make_job(project=project, actor=actor, train_dataset_id=dataset.public_id, name="before")
    make_checkpoint(job)
    owner = Membership.objects.get(organization=organization, role=Role.OWNER).user
    return Seeds(owner, project.public_id, dataset.public_id)


@pytest.fixture(scope="module")
def seeds(db: Rows, served: Served) -> Seeds:
    return db(make_seeds)


@pytest.fixture
def owner(open_tab: Callable[..., Page], db: Rows, served: Served, seeds: Seeds) -> Page:
    page = open_tab(served.url, reduced_motion="reduce")
    page.context.add_cookies([db(session_cookie, seeds.owner, served.url)])
    return page


def test_the_form_follows_what_is_chosen(owner: Page, seeds: Seeds) -> None:
    page = owner
    page.goto(f"/console/projects/{seeds.project_id}/jobs/new?dataset={seeds.dataset_id}")
    estimate = page.locator("#estimate")
    expect(estimate).to_contain_text("Steps")

    page.get_by_label("Rewards (GRPO)").check()
    expect(page.get_by_label("num_generations")).to_be_visible()
    expect(estimate).to_contain_text("Choose at least one function")
    page.locator("#f-exact_match_shared").check()
    page.locator("#f-contains_shared").check()
    expect(page.get_by_text("The weights sum to 0, not to 1.")).to_be_visible()
    page.get_by_role("button", name="Share evenly").click()
    expect(page.get_by_text("The weights sum to 1.")).to_be_visible()
    expect(page.get_by_label("Weight of contains_shared")).to_have_value("0.5")

    page.get_by_label("Weight of contains_shared").fill("0.9")
    page.get_by_label("Name", exact=True).fill("too much")
    page.get_by_role("button", name="Start training").click()
    alert = page.get_by_role("alert").first
    expect(alert).to_contain_text("the weights must sum to 1, not 1.4", ignore_case=True)
    expect(page.get_by_label("Name", exact=True)).to_have_value("too much")
    assert serious_findings(page) == []
    page.set_viewport_size(PHONE)
    assert overhang(page) <= 0


def test_a_function_is_written_tried_and_saved(owner: Page, seeds: Seeds) -> None:
    page = owner
    page.goto(f"/console/projects/{seeds.project_id}/test-functions")
    page.get_by_role("link", name="New test function").first.click()
    source = page.get_by_label("Source")
    source.fill("")
    source.press_sequentially("def near(input_text, expected_output, predicted_output):")
    source.press("Enter")
    source.press_sequentially("print('seen')")
    source.press("Enter")
    source.press_sequentially("if True:")
    source.press("Enter")
    source.press_sequentially("return 1 / len(predicted_output)")
    signature = "def near(input_text, expected_output, predicted_output):"
    assert source.input_value().split("\n") == [
        signature,
        "    print('seen')",
        "    if True:",
        "        return 1 / len(predicted_output)",
    ]
    source.press("Shift+Tab")
    assert source.input_value().endswith("\n    return 1 / len(predicted_output)")
    source.press("Control+z")
    assert source.input_value().endswith("\n        return 1 / len(predicted_output)")
    expect(page.locator(".code-keyword").first).to_have_text("def")
    expect(page.locator("#function-problems")).to_contain_text("Its name is near")

    page.get_by_label("Predicted output").nth(2).fill("")
    page.get_by_role("button", name="Dry run").click()
    report = page.locator("#dry-report")
    expect(report).to_contain_text("ZeroDivisionError: division by zero (line 4)")
    expect(report).to_contain_text("seen")
    assert serious_findings(page) == []
    report.get_by_role("button", name="Show line 4").click()
    assert page.evaluate("getSelection().toString()").strip() == "return 1 / len(predicted_output)"

    source.press("End")
    source.press_sequentially(" +")
    expect(page.locator("#function-problems")).to_contain_text("Line 4")
    expect(page.locator(".editor-lines .bad")).to_have_text("4")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#function-problems")).to_contain_text("Line 4")
    source.press("Control+End")
    source.press("Backspace")
    source.press("Backspace")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("The test function near has been created.")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The test function near has been deleted.")).to_be_visible()


def test_tab_leaves_the_editor_after_escape(owner: Page, seeds: Seeds) -> None:
    page = owner
    page.goto(f"/console/projects/{seeds.project_id}/test-functions/-/new")
    source = page.get_by_label("Source")
    source.focus()
    source.press("Tab")
    expect(source).to_be_focused()
    source.press("Escape")
    source.press("Tab")
    expect(source).not_to_be_focused()
