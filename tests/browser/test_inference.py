"""Asking models in a browser: panes side by side, what each task shows, stopping, and the charts."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from embassy.deployments import services
from embassy.deployments.models import Deployment
from embassy.engines.models import Engine
from embassy.projects.models import Project
from embassy.projects.selectors import actor_of_key
from tests.browser.people import session_cookie
from tests.browser.rows import Rows
from tests.browser.served import Served
from tests.factories.deployments import BASE, make_checkpoint, make_deployment, make_job, run_engine
from tests.factories.projects import make_key, make_organization, make_project
from tests.fakes.fake_engine import FakeEngine

LABELS = ["low", "mid", "high"]


@pytest.fixture(scope="module")
def engine() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture(autouse=True)
def _good(engine: FakeEngine) -> Iterator[None]:
    yield
    engine.manner = "good"


@pytest.fixture(scope="module")
def project(db: Rows, served: Served, engine: FakeEngine) -> Project:
    """With a deployment for each task, all on the stand-in."""
    return db(seeded, engine.port)


def seeded(port: int) -> Project:
    key, _ = make_key(make_organization(name="Asking"))
    actor = actor_of_key(key)
    project = make_project(actor, name="Asking")
    engine = services.create_engine(
        base_model=BASE, name="asked", task_type=None, resource_management=None, actor=actor
    )
    for task in ("text-generation", "classification", "regression", "embedding"):
        job = make_job(project)
        make_checkpoint(job)
        source = {"reference": job.public_id, "checkpoint": 1, "name": f"a-{task}"}
        make_deployment(project, actor=actor, engine=engine, **source)
    run_engine(engine)
    for deployment in engine.deployments.all():
        services.reconcile(deployment_pk=deployment.pk)
        Deployment.objects.filter(pk=deployment.pk).update(task_type=deployment.name.removeprefix("a-"))
    Deployment.objects.filter(name="a-classification").update(metadata={"labels": LABELS})
    Engine.objects.filter(pk=engine.pk).update(port=port)
    return project


@pytest.fixture
def page(open_tab: Callable[..., Page], db: Rows, served: Served, project: Project) -> Page:
    page = open_tab(served.url)
    user = db(lambda: project.created_by)
    page.context.add_cookies([db(session_cookie, user, served.url)])
    return page


def panes(page: Page, project: Project, *names: str) -> Locator:
    query = "&".join(f"model={name}" for name in names)
    page.goto(f"/console/projects/{project.public_id}/playground?{query}")
    found = page.get_by_role("region", name="A model's answers")
    expect(found).to_have_count(len(names))
    return found


def ask(page: Page, text: str) -> None:
    page.get_by_label("Your text").fill(text)
    page.get_by_role("button", name="Send to all").click()


def test_one_text_goes_to_all(page: Page, project: Project, engine: FakeEngine) -> None:
    both = panes(page, project, "a-text-generation", "a-text-generation")
    page.get_by_text("Parameters").click()
    page.get_by_label("Seed").fill("7")
    page.get_by_label("System prompt").fill("Be brief.")
    ask(page, "Which city?")
    for pane in (both.nth(0), both.nth(1)):
        expect(pane.get_by_role("log")).to_contain_text("Paris is the capital.")
        expect(pane.get_by_role("status")).to_contain_text("5 tokens")
        expect(pane.get_by_role("status")).to_contain_text("first after")
    sent = engine.requests[-2:]
    assert [message["role"] for message in sent[0]["messages"]] == ["system", "user"]
    assert [body["seed"] for body in sent] == [7, 7]

    ask(page, "And then?")
    expect(both.nth(0).get_by_text("Paris is the capital.")).to_have_count(2)
    roles = [message["role"] for message in engine.requests[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


def test_up_to_four(page: Page, project: Project) -> None:
    found = panes(page, project, "a-text-generation")
    add = page.get_by_role("button", name="Add a model")
    for count in (2, 3, 4):
        add.click()
        expect(found).to_have_count(count)
    expect(add).to_be_disabled()
    assert page.url.count("model=") == 4
    found.nth(3).get_by_role("button", name="Take this model away").click()
    expect(found).to_have_count(3)


def test_an_answer_can_be_stopped(page: Page, project: Project, engine: FakeEngine) -> None:
    found = panes(page, project, "a-text-generation")
    engine.cancelled.clear()
    engine.manner = "pauses"
    ask(page, "Tell me all.")
    expect(found.get_by_role("log")).to_contain_text("Paris")
    page.get_by_role("button", name="Stop").click()
    expect(found.get_by_role("status")).to_contain_text("Stopped.")
    expect(page.get_by_role("button", name="Send to all")).to_be_enabled()
    assert engine.cancelled.wait(20)  # nobody pays for what nobody reads


def test_labels_with_their_probabilities(page: Page, project: Project) -> None:
    found = panes(page, project, "a-classification")
    ask(page, "How urgent?")
    rows = found.get_by_role("row")
    expect(rows).to_have_count(1 + len(LABELS))
    expect(rows.nth(1)).to_contain_text("low")  # the most likely one first
    expect(found.get_by_role("meter")).to_have_count(len(LABELS))


def test_a_number(page: Page, project: Project) -> None:
    found = panes(page, project, "a-regression")
    ask(page, "How much?")
    expect(found.get_by_role("log")).to_contain_text("in the unit of the training data")


def test_how_near_texts_are(page: Page, project: Project) -> None:
    found = panes(page, project, "a-embedding")
    ask(page, "one\nother\nthird")
    expect(found.get_by_role("table")).to_have_count(2)
    expect(found.get_by_role("meter")).to_have_count(2)
    expect(found.get_by_role("table").nth(1)).to_contain_text("0.96")  # of (.6, .8) and (.8, .6)


def test_what_is_wrong_is_told(page: Page, project: Project, engine: FakeEngine) -> None:
    found = panes(page, project, "a-text-generation")
    page.get_by_text("Parameters").click()
    page.get_by_label("JSON schema").fill("{")
    ask(page, "Which city?")
    expect(page.get_by_text("This is not JSON.").first).to_be_visible()
    expect(page.get_by_label("Your text")).to_have_value("Which city?")
    page.get_by_label("JSON schema").fill("")
    page.get_by_label("Temperature").fill("0")
    engine.manner = "context"
    page.get_by_role("button", name="Send to all").click()
    expect(found.locator(".bubble.failed")).to_contain_text("Shorten the prompt")


def test_charts_are_drawn(page: Page, project: Project, db: Rows) -> None:
    deployment = db(lambda: Deployment.objects.get(name="a-text-generation", project=project))
    address = f"/console/projects/{project.public_id}/deployments/{deployment.public_id}"
    page.goto(f"{address}/test")
    page.get_by_label("Your text").fill("Which city?")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("log")).to_contain_text("Paris is the capital.")
    page.goto(f"{address}/monitoring")
    expect(page.locator("[data-chart=requests] canvas")).to_be_visible()
    expect(page.locator("[data-figure=requests]")).not_to_have_text("–")
    page.get_by_role("button", name="7 days").click()
    expect(page.get_by_role("button", name="7 days")).to_have_attribute("aria-pressed", "true")
    assert page.url.endswith("period=7d")
