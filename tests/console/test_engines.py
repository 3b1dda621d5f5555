"""The page of engines: the organization's own, shared ones with something of its on them, and hosts."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from embassy.deployments import services
from embassy.engines.models import Engine
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import BASE, make_deployment, run_engine, up
from tests.factories.hosts import make_host

FORM = {"base_model": BASE, "name": "mine", "rule": "inactive_timeout", "minutes": "20"}
WINDOW = {"rule": "schedule", "start_time": "08:00", "end_time": "18:00", "timezone": "Europe/Berlin"}


@pytest.fixture
def engine(actor: Actor) -> Engine:
    return services.create_engine(
        base_model=BASE, name="mine", task_type=None, resource_management=None, actor=actor
    )


@pytest.fixture
def address(engine: Engine) -> str:
    return f"/console/engines/{engine.public_id}"


def test_teaches_the_next_step_where_there_is_none(member: Client) -> None:
    page = member.get("/console/engines").content.decode()
    assert "No engine yet" in page
    assert "No host has been heard of" in page
    assert "/console/playground?model=tiny-llama-instruct" in page


def test_makes_one(member: Client) -> None:
    answer = member.post("/console/engines", FORM)
    engine = Engine.objects.get()
    assert answer.headers["Location"] == f"/console/engines/{engine.public_id}"
    assert engine.resource_management["management_config"] == {"inactive_duration": 1200}
    page = member.get(answer.headers["Location"]).content.decode()
    assert "after 20 minutes without requests" in page


def test_makes_one_that_follows_the_clock(member: Client) -> None:
    member.post("/console/engines", FORM | WINDOW | {"days": ["monday", "friday"]})
    config = Engine.objects.get().resource_management["management_config"]
    assert config == {
        "timezone": "Europe/Berlin",
        "start_time": "08:00",
        "end_time": "18:00",
        "days": ["monday", "friday"],
    }


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"base_model": ""}, "Choose a base model."),
        ({"base_model": "nobody-knows-it"}, "There is no base model nobody-knows-it"),
        ({"task_type": "embedding"}, "does not do embedding"),
        ({"minutes": "soon"}, "Write the minutes as a number."),
        ({"minutes": "0.1"}, "must lie between"),
        (WINDOW | {"days": []}, "Choose at least one day."),
        (WINDOW | {"days": ["monday"], "timezone": "Mars/Base"}, "Mars/Base"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_typed_stays(
    member: Client, wrong: dict[str, object], sentence: str
) -> None:
    answer = member.post("/console/engines", FORM | {"name": "typed"} | wrong)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert sentence in page
    assert 'value="typed"' in page
    assert "data-shown" in page
    assert not Engine.objects.exists()


def test_a_taken_name_is_told(member: Client, engine: Engine) -> None:
    answer = member.post("/console/engines", FORM)
    assert answer.status_code == 422
    assert "Choose another name" in answer.content.decode()


def test_tells_why_it_waits_and_at_which_place(
    member: Client, engine: Engine, address: str, actor: Actor
) -> None:
    services.create_engine(
        base_model=BASE, name="second", task_type=None, resource_management=None, actor=actor
    )
    Engine.objects.update(host_name="", reason="Waiting for 2 GB on a host.", lease_until=None)
    page = member.get("/console/engines").content.decode()
    assert page.count("Why am I waiting?") == 2
    assert "Waiting for 2 GB on a host." in page
    assert "It is number 2 in the queue." in page
    assert "It is number 1 in the queue." in member.get(f"{address}/live").content.decode()


def test_sleeps_wakes_and_goes(member: Client, engine: Engine, address: str) -> None:
    run_engine(engine)
    assert "Put to sleep" in member.get(f"{address}/live").content.decode()
    assert member.post(f"{address}/sleep").status_code == 302
    assert member.post(f"{address}/sleep").status_code == 409
    assert "Wake up" in member.get(address).content.decode()
    assert member.post(f"{address}/wake").status_code == 302
    assert member.post(f"{address}/wake").status_code == 409
    assert member.post(f"{address}/delete").status_code == 302
    assert member.get(address).status_code == 404


def test_is_not_deleted_with_something_on_it(
    member: Client, engine: Engine, address: str, project: Project, actor: Actor
) -> None:
    make_deployment(project, actor=actor, engine=engine, name="tickets")
    page = member.get(address).content.decode()
    assert "tickets" in page
    assert "delete it first" in page
    assert member.post(f"{address}/delete").status_code == 409


def test_changes_its_name_and_rules(member: Client, engine: Engine, address: str) -> None:
    changed = {"name": "other", "rule": "inactive_timeout", "minutes": "30"}
    assert member.post(address, changed).status_code == 302
    engine.refresh_from_db()
    assert (engine.name, engine.resource_management["management_config"]) == (
        "other",
        {"inactive_duration": 1800},
    )
    for wrong, sentence in (({"name": ""}, "Give it a name."), ({"minutes": "-1"}, "must lie between")):
        answer = member.post(address, changed | wrong)
        assert answer.status_code == 422
        assert sentence in answer.content.decode()


def test_shows_shared_ones_with_what_is_ones_own_on_them(
    member: Client, outsider: Client, project: Project, actor: Actor
) -> None:
    make_host(gpus=[{"index": 0, "name": "H200", "memory_bytes": 10**11}])
    up(make_deployment(project, actor=actor, name="tickets"))
    page = member.get("/console/engines").content.decode()
    for part in ("shared", "tickets", "1 of 1", "0: H200", "alive"):
        assert part in page
    assert "tickets" not in outsider.get("/console/engines").content.decode()


def test_nobody_else_sees_it(outsider: Client, address: str) -> None:
    for path in ("", "/live"):
        assert outsider.get(f"{address}{path}").status_code == 404
    for path in ("", "/wake", "/sleep", "/delete"):
        assert outsider.post(f"{address}{path}").status_code == 404


def test_a_viewer_has_no_buttons(viewer: Client, address: str) -> None:
    for page in ("/console/engines", address):
        answer = viewer.get(page)
        assert answer.status_code == 200
        assert "data-opens" not in answer.content.decode()


def test_more_engines_cost_no_more_queries(member: Client, actor: Actor, project: Project) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            member.get("/console/engines")
        return len(captured)

    def make(name: str) -> None:
        engine = services.create_engine(
            base_model=BASE, name=name, task_type=None, resource_management=None, actor=actor
        )
        make_deployment(project, actor=actor, engine=engine, name=f"on-{name}")

    make("one")
    few = count()
    for number in range(5):
        make(f"more-{number}")
    assert count() == few
