"""On a GPU an engine falls asleep before it is stopped; and one that stops finishes what it has."""

from datetime import timedelta

import pytest
from django.utils import timezone

from embassy.deployments import services as deployments
from embassy.deployments.models import Wake
from embassy.deployments.selectors import deployment_route
from embassy.deployments.states import DeploymentStatus
from embassy.engines import services
from embassy.engines.models import Engine
from embassy.engines.states import EngineStatus
from tests.factories.deployments import make_deployment, make_engine
from tests.factories.projects import make_actor
from tests.processes.engine_host import EngineHost, wait_until
from tests.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def seen(engine: Engine) -> Engine:
    engine.refresh_from_db()
    return engine


def fall_asleep(engine: Engine) -> None:
    long_ago = timezone.now() - timedelta(seconds=60)
    Engine.objects.filter(pk=engine.pk).update(last_access_at=long_ago, woken_at=long_ago, active_at=long_ago)
    wait_for(lambda: seen(engine).sleep_level, "it sleeps")


class TestNap:
    @pytest.fixture(autouse=True)
    def _naps(self, host: EngineHost) -> None:
        (host.home / "naps").touch()

    def test_a_request_wakes_the_same_process(self, host: EngineHost) -> None:
        actor = make_actor()
        deployment = make_deployment(actor=actor)
        engine = deployment.engine
        host.supervise(engine)
        wait_until(engine, EngineStatus.ACTIVE)
        deployments.reconcile(deployment_pk=deployment.pk)
        fall_asleep(engine)
        deployments.reconcile(deployment_pk=deployment.pk)
        deployment.refresh_from_db()
        assert (deployment.status, seen(engine).routable) == (DeploymentStatus.DEPLOYED, False)
        assert deployment_route(deployment).state == "asleep"

        for _ in range(3):
            deployments.wake(route=deployment_route(deployment), actor=actor)
        wait_for(lambda: seen(engine).routable, "it is awake")
        deployments.reconcile_engine(engine_pk=engine.pk)

        assert (len(host.calls("start")), host.calls("wake")) == (1, ["1"])
        wakes = Wake.objects.filter(deployment=deployment).order_by("id")
        assert [(one.cause, one.outcome) for one in wakes] == [("created", "ready"), ("request", "ready")]

    def test_one_that_works_stays_awake(self, host: EngineHost) -> None:
        engine = make_engine()
        host.behave("working")
        host.supervise(engine)
        wait_until(engine, EngineStatus.ACTIVE)
        long_ago = timezone.now() - timedelta(seconds=60)
        Engine.objects.filter(pk=engine.pk).update(
            last_access_at=long_ago, woken_at=long_ago, active_at=long_ago
        )
        asked = wait_for(lambda: len(host.calls("metrics")) > 2, "it was asked what it does")
        assert asked
        assert seen(engine).sleep_level == 0

    def test_one_whose_gpu_has_gone_starts_anew(self, host: EngineHost) -> None:
        engine = make_engine()
        process = host.supervise(engine)
        wait_until(engine, EngineStatus.ACTIVE)
        fall_asleep(engine)
        host.behave("no room")

        services.want_active(engine=engine)

        assert process.wait(60) == 0
        assert seen(engine).status == EngineStatus.CREATING
        assert "out of memory" in engine.reason
        assert (engine.sleep_level, engine.port) == (0, 0)


def test_one_that_stops_finishes_its_requests_first(host: EngineHost) -> None:
    engine = make_engine()
    host.behave("working")
    process = host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)

    services.want_inactive(engine=engine, reason="Nobody needs it.")
    wait_for(lambda: len(host.calls("metrics")) > 2, "it was asked what it does")
    assert seen(engine).draining
    assert host.calls("stop") == []
    host.behave("")

    wait_until(engine, EngineStatus.INACTIVE)
    assert process.wait(60) == 0


def test_one_that_is_wanted_again_meanwhile_goes_on(host: EngineHost) -> None:
    engine = make_engine()
    host.behave("working")
    host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)
    services.want_inactive(engine=engine, reason="Nobody needs it.")
    wait_for(lambda: seen(engine).draining, "it drains")

    services.want_active(engine=engine)

    wait_for(lambda: seen(engine).routable, "it goes on")
    assert (len(host.calls("start")), host.calls("stop"), engine.reason) == (1, [], "")
