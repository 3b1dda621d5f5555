"""What scripts do on the pages of jobs: curves, choosing jobs over pages, matrices, the form that deploys."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from embassy.projects.models import Project
from embassy.training.models import TestResult, TrainingJob
from tests.browser.rows import Rows
from tests.browser.seeds import FUNCTION, Seeds
from tests.factories.deployments import make_checkpoint, make_job
from tests.factories.training import make_tested_rows

MATRIX = {"values": {"accuracy": 0.875}, "confusion": {"labels": ["cat", "dog"], "counts": [[3, 1], [0, 4]]}}


@pytest.fixture
def home(seeds: Seeds) -> str:
    return f"/console/projects/{seeds.ids['project_id']}"


@pytest.fixture
def labelled(db: Rows, seeds: Seeds) -> Iterator[list[TrainingJob]]:
    """Two jobs whose answers are labels, older than all others of the list."""
    jobs = db(make_labelled, seeds.ids["project_id"])
    yield jobs
    db(TrainingJob.objects.filter(pk__in=[job.pk for job in jobs]).delete)


def make_labelled(project_id: str) -> list[TrainingJob]:
    project = Project.objects.get(public_id=project_id)
    jobs = [make_job(project, name=f"labels {number}", test_functions=[FUNCTION]) for number in (1, 2)]
    for job in jobs:
        make_checkpoint(job, 1, best=True)
        make_tested_rows(job, 1, [1, 0] if job is jobs[0] else [0, 1], name=FUNCTION)
        TestResult.objects.filter(job=job).update(metrics=MATRIX)
    return jobs


def test_a_curve_by_time_on_a_log_scale(owner: Page, seeds: Seeds, home: str) -> None:
    owner.goto(f"{home}/jobs/{seeds.ids['job_id']}")
    chart = owner.get_by_role("img", name="At last: training")
    expect(chart).to_be_visible()
    legend = owner.locator(".u-legend")
    expect(legend).to_contain_text("step")

    owner.get_by_label("By time").check()
    owner.get_by_label("Log scale").check()
    owner.get_by_role("button", name="Learning rate").click()

    expect(legend).to_contain_text("time")
    expect(owner.get_by_role("img", name="At last: learning rate")).to_be_visible()


def test_jobs_are_chosen_and_compared(owner: Page, home: str, labelled: list[TrainingJob]) -> None:
    owner.goto(f"{home}/jobs?q=labels")
    compare = owner.get_by_role("button", name="Compare")
    expect(compare).to_be_disabled()
    owner.get_by_label("Compare labels 1").check()
    owner.reload()  # what was chosen stays so
    expect(owner.get_by_label("Compare labels 1")).to_be_checked()
    owner.get_by_label("Compare labels 2").check()
    compare.click()

    expect(owner.get_by_role("heading", name="Compare 2 jobs")).to_be_visible()
    matrices = owner.get_by_role("img", name="7 of 8 labels right")
    expect(matrices).to_have_count(2)
    matrices.first.scroll_into_view_if_needed()
    expect(matrices.first.locator("canvas")).to_be_visible()  # ECharts came, and drew
    owner.get_by_role("heading", name="Row by row").scroll_into_view_if_needed()
    expect(owner.get_by_text("2 test rows in common; 0 shown")).to_be_visible()
    owner.get_by_label("Rows shown").select_option(label="Every row")
    expect(owner.get_by_text("2 test rows in common; 2 shown")).to_be_visible()
    owner.get_by_label("Search in inputs and answers").fill("Question 2")
    owner.keyboard.press("Enter")
    expect(owner.get_by_text("2 test rows in common; 1 shown")).to_be_visible()


def test_only_what_differs_or_everything(owner: Page, home: str, labelled: list[TrainingJob]) -> None:
    query = "&".join(f"job={job.public_id}" for job in labelled)
    owner.goto(f"{home}/jobs/compare?{query}")
    base_model = owner.get_by_role("rowheader", name="Base model")
    expect(owner.get_by_text("Nothing differs")).to_be_visible()
    expect(base_model).to_be_hidden()

    owner.get_by_label("Only what differs").uncheck()

    expect(base_model).to_be_visible()
    expect(owner.get_by_text("Nothing differs")).to_be_hidden()


def test_the_form_that_deploys_shows_what_belongs_together(owner: Page, seeds: Seeds, home: str) -> None:
    owner.goto(f"{home}/jobs/{seeds.ids['job_id']}")
    owner.get_by_role("button", name="Deploy checkpoint 2").click()
    dialog = owner.get_by_role("dialog")
    minutes, zone = dialog.get_by_label("Minutes without requests"), dialog.get_by_label("Time zone")
    expect(minutes).to_be_visible()
    expect(zone).to_be_hidden()

    dialog.get_by_label("By a weekly schedule").check()

    expect(minutes).to_be_hidden()
    expect(zone).to_be_visible()
    expect(zone).not_to_have_value("")  # this browser's own
    dialog.get_by_label("Friday").uncheck(force=True)
    dialog.get_by_label("Time zone").fill("Mars/Base")
    dialog.get_by_role("button", name="Deploy").click()
    expect(dialog.get_by_role("alert")).to_contain_text("is no IANA time zone")
    expect(dialog.get_by_label("Friday")).not_to_be_checked()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()


def test_what_the_trainer_said(owner: Page, seeds: Seeds, home: str) -> None:
    owner.goto(f"{home}/jobs/{seeds.ids['job_id']}")
    owner.get_by_role("button", name="What the trainer said").click()
    expect(owner.get_by_role("region", name="What the trainer said")).to_contain_text("It said nothing.")
    owner.get_by_role("button", name="What happened").click()
    expect(owner.get_by_role("region", name="What happened")).to_be_visible()
