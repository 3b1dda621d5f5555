"""One row for each wake: who asked, how long it took, and how it ended."""

from collections.abc import Iterable

import pytest
from rest_framework.test import APIClient

from embassy.catalog import selectors as catalog
from embassy.deployments import services
from embassy.deployments import wakes as wakes_module
from embassy.deployments.models import Deployment, Wake, WakeCause, WakeOutcome
from embassy.deployments.reconcile import apply_schedules, reconcile
from embassy.deployments.selectors import base_model_route, deployment_route
from embassy.deployments.wake_times import UNKNOWN, expected_seconds
from embassy.engines import observe
from embassy.engines import services as engines
from embassy.engines.models import Engine
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import BASE, ago, make_deployment, run_engine, stop_engine, up

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployment(actor: Actor, project: Project) -> Deployment:
    """It is up."""
    return up(make_deployment(project, actor=actor))


def ask_for(deployment: Deployment, actor: Actor) -> None:
    deployment.refresh_from_db()
    services.wake(route=deployment_route(deployment), actor=actor)


def put_to_sleep(deployment: Deployment, actor: Actor) -> None:
    services.deactivate(deployment=deployment, actor=actor)
    engines.want_inactive(engine=deployment.engine, reason="Nobody needs it.")
    stop_engine(deployment.engine)
    deployment.refresh_from_db()


def told(rows: "Iterable[Wake]") -> list[tuple[str, str]]:
    return [(row.cause, row.outcome) for row in rows]


def wakes(deployment: Deployment) -> "list[Wake]":
    return list(deployment.wakes.order_by("id"))


def test_creation_is_the_first_wake(actor: Actor, project: Project) -> None:
    deployment = make_deployment(project, actor=actor)
    (wake,) = wakes(deployment)
    assert (wake.cause, wake.outcome, wake.seconds) == ("created", "waiting", None)

    up(deployment)

    wake.refresh_from_db()
    assert (wake.outcome, wake.reason, wake.engine_id) == ("ready", "", deployment.engine_id)
    assert wake.ended_at is not None
    assert wake.seconds == (wake.ended_at - wake.asked_at).total_seconds()


def test_many_requests_are_one_wake(deployment: Deployment, actor: Actor) -> None:
    put_to_sleep(deployment, actor)

    for _ in range(5):
        ask_for(deployment, actor)
    up(deployment)

    assert told(wakes(deployment)) == [("created", "ready"), ("request", "ready")]


def test_an_engine_that_is_lost_is_a_wake_of_its_own(deployment: Deployment) -> None:
    engine = Engine.objects.get(pk=deployment.engine_id)
    observe.failed(engine=engine, token=engine.lease_token, reason="The engine ended with code -9.")
    services.reconcile(deployment_pk=deployment.pk)
    Engine.objects.filter(pk=engine.pk).update(retry_at=None)
    assert "code -9" in wakes(deployment)[-1].reason

    up(deployment)

    assert told(wakes(deployment)) == [("created", "ready"), ("engine_lost", "ready")]


def test_waking_by_hand_and_putting_to_sleep_meanwhile(deployment: Deployment, actor: Actor) -> None:
    put_to_sleep(deployment, actor)
    services.reactivate(deployment=deployment, actor=actor)
    services.deactivate(deployment=deployment, actor=actor)

    assert told(wakes(deployment))[1:] == [("reactivated", "given_up")]
    assert wakes(deployment)[-1].reason == "Deactivated by hand."


def test_a_window_wakes_by_itself(actor: Actor, project: Project) -> None:
    days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    always = {"timezone": "UTC", "start_time": "00:00", "end_time": "00:00", "days": days}
    deployment = up(make_deployment(project, actor=actor, schedule=always))
    put_to_sleep(deployment, actor)
    Deployment.objects.filter(pk=deployment.pk).update(slept_at=ago(90_000), woken_at=ago(100_000))

    apply_schedules()

    assert told(wakes(deployment))[1:] == [("schedule", "waiting")]


def test_an_engine_that_does_not_start_ends_it_with_the_reason(deployment: Deployment, actor: Actor) -> None:
    put_to_sleep(deployment, actor)
    ask_for(deployment, actor)
    while not Engine.objects.get(pk=deployment.engine_id).gave_up:
        Engine.objects.filter(pk=deployment.engine_id).update(retry_at=None)
        engine = observe.claim(engine_pk=deployment.engine_id)
        assert engine is not None
        observe.failed(engine=engine, token=engine.lease_token, reason="Out of memory.")
    services.reconcile(deployment_pk=deployment.pk)

    assert told(wakes(deployment))[1:] == [("request", "failed")]
    assert "Out of memory." in wakes(deployment)[-1].reason


def test_a_shared_base_model_has_wakes_too(actor: Actor) -> None:
    model = catalog.get_base_model(BASE)
    for _ in range(3):
        services.wake(route=base_model_route(model), actor=actor)
    engine = Engine.objects.get(base_model=BASE)
    assert told(Wake.objects.all()) == [("request", "waiting")]

    run_engine(engine)
    reconcile()

    (wake,) = Wake.objects.all()
    assert (wake.outcome, wake.model, wake.deployment_id) == ("ready", BASE, None)
    services.wake(route=base_model_route(model), actor=actor)
    assert Wake.objects.count() == 1


class TestExpectation:
    def past(self, deployment: Deployment, *seconds: float, cause: str = WakeCause.REQUEST) -> None:
        for one in seconds:
            Wake.objects.create(
                deployment=deployment,
                engine_id=deployment.engine_id,
                model=deployment.name,
                cause=cause,
                outcome=WakeOutcome.READY,
                asked_at=ago(1000),
                ended_at=ago(1000 - one),
                seconds=one,
            )

    def expected(self, deployment: Deployment) -> float:
        return expected_seconds(deployment_route(deployment))

    def test_is_the_median_of_its_own_last_wakes(self, deployment: Deployment) -> None:
        self.past(deployment, 500, 2, 4, 3, 40, 3)
        assert self.expected(deployment) == 3

    def test_is_its_engines_where_it_has_none(self, deployment: Deployment, actor: Actor) -> None:
        self.past(make_deployment(actor=actor, engine=deployment.engine), 7)
        assert self.expected(deployment) == 7

    def test_is_the_engines_last_start_before_any_wake(self, deployment: Deployment) -> None:
        assert self.expected(deployment) == 1.0  # as the factory says
        Engine.objects.update(start_seconds=None)
        assert self.expected(deployment) == UNKNOWN

    def test_what_has_passed_is_taken_off_and_one_that_is_late_takes_longer(
        self, deployment: Deployment, actor: Actor
    ) -> None:
        self.past(deployment, 100)
        put_to_sleep(deployment, actor)
        ask_for(deployment, actor)

        Wake.objects.filter(outcome="waiting").update(asked_at=ago(30))
        assert self.expected(deployment) == pytest.approx(70, abs=5)
        Wake.objects.filter(outcome="waiting").update(asked_at=ago(110))
        assert self.expected(deployment) == pytest.approx(55, abs=5)


class TestEndpoint:
    @pytest.fixture
    def url(self, project: Project, deployment: Deployment) -> str:
        return f"/v1/projects/{project.public_id}/deployments/{deployment.public_id}"

    def test_list_is_newest_first(
        self, api: APIClient, url: str, deployment: Deployment, actor: Actor
    ) -> None:
        put_to_sleep(deployment, actor)
        ask_for(deployment, actor)

        shown = api.get(f"{url}/wakes").json()

        assert [(one["cause"], one["outcome"]) for one in shown] == [
            ("request", "waiting"),
            ("created", "ready"),
        ]
        assert shown[0].keys() == {"cause", "outcome", "seconds", "reason", "asked_at", "ended_at"}
        assert (shown[0]["seconds"], shown[0]["ended_at"]) == (None, None)
        assert [one["cause"] for one in api.get(f"{url}/wakes?limit=1").json()] == ["request"]

    @pytest.mark.parametrize("limit", ["0", "101", "many"])
    def test_a_bad_limit_is_refused(self, api: APIClient, url: str, limit: str) -> None:
        assert api.get(f"{url}/wakes?limit={limit}").status_code == 400

    def test_others_see_nothing(self, other_api: APIClient, anonymous_api: APIClient, url: str) -> None:
        assert other_api.get(f"{url}/wakes").status_code == 404
        assert anonymous_api.get(f"{url}/wakes").status_code == 401

    def test_the_detail_shows_the_last_one(self, api: APIClient, url: str) -> None:
        shown = api.get(url).json()["last_wake"]
        assert (shown["cause"], shown["outcome"]) == ("created", "ready")
        assert isinstance(shown["seconds"], float)
        Wake.objects.all().delete()
        assert api.get(url).json()["last_wake"] is None


def test_old_ones_are_forgotten(deployment: Deployment) -> None:
    Wake.objects.create(deployment=deployment, model="mine", cause="request", asked_at=ago(91 * 24 * 3600))
    wakes_module.forget_old()
    assert told(wakes(deployment)) == [("created", "ready")]
