"""The scheduler's own pass over real rows, minute after minute of a night in which the clocks change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from embassy.deployments import moves, reconcile, selectors, services
from embassy.deployments.models import Deployment
from embassy.deployments.states import DeploymentStatus
from embassy.engines import observe
from embassy.engines.models import Engine
from embassy.engines.models.engine import START_ATTEMPTS
from embassy.engines.states import EngineStatus, Wanted
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import BASE, load, make_deployment, run_engine, stop_engine
from tests.fakes.frozen_clock import FrozenClock, frozen_clock

pytestmark = pytest.mark.django_db

STEP = timedelta(minutes=15)
BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
NIGHT = {"timezone": "Europe/Berlin", "start_time": "22:00", "end_time": "06:00"}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def clock(db: None) -> Iterator[FrozenClock]:
    with frozen_clock(utc("2026-01-01T00:00")) as clock:
        yield clock


class Night:
    """Lets the time pass, with a scheduler and an engine worker that do their work at once."""

    def __init__(self, clock: FrozenClock) -> None:
        self._clock = clock

    def at(self, moment: datetime) -> None:
        self._clock.set(moment)
        reconcile.apply_schedules()
        self.work()

    def ups_and_downs(
        self, row: Deployment | Engine, zone: ZoneInfo, first: datetime, last: datetime
    ) -> list[tuple[str, str]]:
        """From step to step, the changes of the row: when by the wall clock, and to what."""
        changes, now = [], first
        self.at(now)
        row.refresh_from_db()
        while now < last:
            now += STEP
            before = row.status
            self.at(now)
            row.refresh_from_db()
            if row.status != before:
                changes.append((now.astimezone(zone).strftime("%a %H:%M %z"), row.status))
        return changes

    def work(self) -> None:
        """What workers do, until there is nothing to do."""
        reconcile.reconcile()
        for engine in Engine.objects.filter(wanted=Wanted.ACTIVE, lease_until=None, retry_at=None):
            run_engine(engine)
        for engine in Engine.objects.filter(wanted=Wanted.INACTIVE).exclude(lease_until=None):
            stop_engine(engine)
        for engine in Engine.objects.filter(status=EngineStatus.ACTIVE):
            for adapter in engine.adapters.filter(wanted=True, loaded_at=None):
                load(adapter)
        reconcile.reconcile()


@pytest.fixture
def night(clock: FrozenClock) -> Night:
    return Night(clock)


def request(deployment: Deployment, actor: Actor) -> None:
    """What the gateway does for one request."""
    deployment.refresh_from_db()
    services.wake(route=selectors.deployment_route(deployment), actor=actor)
    services.touch(deployment_pks=[deployment.pk], engine_pks=[deployment.engine_id])


def test_database_and_process_have_one_clock(clock: FrozenClock, actor: Actor, project: Project) -> None:
    clock.set(utc("2026-05-01T12:00"))
    deployment = make_deployment(project, actor=actor, reference=BASE, checkpoint=0)
    clock.set(utc("2026-05-01T13:00"))
    services.touch(deployment_pks=[deployment.pk], engine_pks=[])
    deployment.refresh_from_db()
    assert deployment.woken_at == utc("2026-05-01T12:00")
    assert deployment.last_used_at == utc("2026-05-01T13:00")


@pytest.mark.parametrize(
    ("evening", "changes"),
    [
        # Forward: the night of eight hours on the wall has seven.
        ("2026-03-28T12:00", [("Sat 22:00 +0100", "Deployed"), ("Sun 06:00 +0200", "Deactivated")]),
        # Back: two o'clock comes twice, the night has nine hours, and nothing happens twice.
        ("2026-10-24T12:00", [("Sat 22:00 +0200", "Deployed"), ("Sun 06:00 +0100", "Deactivated")]),
    ],
)
def test_a_deployment_keeps_its_window_past_midnight_through_a_change_of_the_clocks(
    clock: FrozenClock,
    night: Night,
    actor: Actor,
    project: Project,
    evening: str,
    changes: list[tuple[str, str]],
) -> None:
    noon = utc(evening)
    clock.set(noon - timedelta(days=1))
    deployment = make_deployment(project, actor=actor, schedule=NIGHT, inactive_timeout=600)
    night.work()
    assert night.ups_and_downs(deployment, BERLIN, noon, noon + timedelta(hours=22)) == changes


def test_days_are_those_of_the_evening(
    clock: FrozenClock, night: Night, actor: Actor, project: Project
) -> None:
    clock.set(utc("2026-10-20T12:00"))
    saturdays = NIGHT | {"days": ["saturday"]}
    deployment = make_deployment(project, actor=actor, schedule=saturdays, inactive_timeout=600)
    night.work()
    changes = night.ups_and_downs(deployment, BERLIN, utc("2026-10-23T12:00"), utc("2026-10-26T12:00"))
    assert changes == [("Sat 22:00 +0200", "Deployed"), ("Sun 06:00 +0100", "Deactivated")]


def test_an_hour_without_use_is_an_hour_though_the_wall_clock_says_none_passed(
    clock: FrozenClock, night: Night, actor: Actor, project: Project
) -> None:
    used = utc("2026-10-25T00:30")  # 02:30, the first time
    clock.set(used - timedelta(minutes=30))
    deployment = make_deployment(project, actor=actor, inactive_timeout=3600)
    night.work()
    night.at(used)
    request(deployment, actor)
    changes = night.ups_and_downs(deployment, BERLIN, used, used + timedelta(hours=3))
    assert changes == [("Sun 02:30 +0100", "Deactivated")]
    assert "Not used for 3600 seconds" in deployment.reason


def test_a_request_outside_the_window_wakes_it_for_as_long_as_it_is_used(
    clock: FrozenClock, night: Night, actor: Actor, project: Project
) -> None:
    clock.set(utc("2026-10-24T12:00"))
    deployment = make_deployment(project, actor=actor, schedule=NIGHT, inactive_timeout=900)
    night.work()
    night.at(utc("2026-10-24T13:00"))
    deployment.refresh_from_db()
    assert deployment.status == DeploymentStatus.DEACTIVATED

    request(deployment, actor)
    night.at(utc("2026-10-24T13:15"))
    request(deployment, actor)
    changes = night.ups_and_downs(deployment, BERLIN, utc("2026-10-24T13:15"), utc("2026-10-24T21:00"))
    assert changes == [("Sat 15:30 +0200", "Deactivated"), ("Sat 22:00 +0200", "Deployed")]


def test_use_to_the_last_minute_does_not_keep_a_window_open(
    clock: FrozenClock, night: Night, actor: Actor, project: Project
) -> None:
    clock.set(utc("2026-03-28T12:00"))
    deployment = make_deployment(project, actor=actor, schedule=NIGHT, inactive_timeout=3600)
    night.work()
    night.at(utc("2026-03-29T03:55"))
    request(deployment, actor)
    night.at(utc("2026-03-29T04:00"))  # 06:00 in Berlin
    deployment.refresh_from_db()
    assert deployment.status == DeploymentStatus.DEACTIVATED
    assert "The next window opens at Sunday 22:00 Europe/Berlin" in deployment.reason


def test_sleep_by_hand_lasts_until_the_next_window(
    clock: FrozenClock, night: Night, actor: Actor, project: Project
) -> None:
    clock.set(utc("2026-10-24T12:00"))
    deployment = make_deployment(project, actor=actor, schedule=NIGHT)
    night.work()
    night.at(utc("2026-10-24T23:00"))
    deployment.refresh_from_db()
    services.deactivate(deployment=deployment, actor=actor)
    changes = night.ups_and_downs(deployment, BERLIN, utc("2026-10-24T23:00"), utc("2026-10-25T22:00"))
    assert changes == [("Sun 22:00 +0100", "Deployed")]


def test_one_that_failed_gets_another_chance_at_the_next_window_and_only_then(
    clock: FrozenClock, night: Night, actor: Actor, project: Project
) -> None:
    clock.set(utc("2026-10-24T18:00"))
    deployment = make_deployment(project, actor=actor, schedule=NIGHT)
    night.work()
    night.at(utc("2026-10-24T21:00"))
    assert deployment.adapter is not None
    engine = Engine.objects.get()
    observe.load_failed(adapter=deployment.adapter, token=engine.lease_token, error="The storage was away.")
    moves.settle(deployment_pk=deployment.pk)
    deployment.refresh_from_db()
    changes = night.ups_and_downs(deployment, BERLIN, utc("2026-10-24T21:15"), utc("2026-10-25T21:30"))
    assert changes[0] == ("Sun 22:00 +0100", "Deployed")


# --- Engines of an organization ---------------------------------------------------------------------


def own_engine(actor: Actor, config: dict[str, object]) -> Engine:
    management = {"management_type": "schedule", "management_config": config}
    return services.create_engine(
        base_model=BASE, name="ours", task_type=None, resource_management=management, actor=actor
    )


def test_an_engine_keeps_its_window_and_takes_its_deployments_along(
    clock: FrozenClock, night: Night, actor: Actor, project: Project
) -> None:
    # On Lord Howe Island the clocks go back by half an hour at two, from +11:00 to +10:30.
    clock.set(utc("2026-04-04T02:00"))
    engine = own_engine(
        actor, {"timezone": "Australia/Lord_Howe", "start_time": "23:00", "end_time": "01:45"}
    )
    deployment = make_deployment(project, actor=actor, engine=engine)
    night.work()
    first, last = utc("2026-04-04T06:00"), utc("2026-04-04T18:00")
    assert night.ups_and_downs(deployment, LORD_HOWE, first, last) == [
        ("Sat 23:00 +1100", "Deployed"),
        ("Sun 01:45 +1100", "Deactivated"),
    ]


def test_an_engine_is_up_through_the_hour_that_the_clocks_jump_over(
    clock: FrozenClock, night: Night, actor: Actor
) -> None:
    clock.set(utc("2026-03-28T03:00"))
    engine = own_engine(
        actor, {"timezone": "Europe/Berlin", "start_time": "02:30", "end_time": "03:30", "days": ["sunday"]}
    )
    night.work()
    changes = night.ups_and_downs(engine, BERLIN, utc("2026-03-28T12:00"), utc("2026-03-29T12:00"))
    assert changes == [("Sun 03:00 +0200", "Active"), ("Sun 03:30 +0200", "Inactive")]


def test_an_engine_goes_to_sleep_when_nobody_uses_it(
    clock: FrozenClock, night: Night, actor: Actor, project: Project
) -> None:
    clock.set(utc("2026-10-24T23:30"))
    idle = {"management_type": "inactive_timeout", "management_config": {"inactive_duration": 5400}}
    engine = services.create_engine(
        base_model=BASE, name="ours", task_type=None, resource_management=idle, actor=actor
    )
    deployment = make_deployment(project, actor=actor, engine=engine)
    night.work()
    night.at(utc("2026-10-25T00:00"))
    request(deployment, actor)  # at 02:00, an hour before it is 02:00 again
    changes = night.ups_and_downs(engine, BERLIN, utc("2026-10-25T00:00"), utc("2026-10-25T04:00"))
    assert changes == [("Sun 02:30 +0100", "Inactive")]
    deployment.refresh_from_db()
    assert deployment.status == DeploymentStatus.DEACTIVATED

    request(deployment, actor)
    night.at(utc("2026-10-25T04:15"))
    deployment.refresh_from_db()
    assert deployment.status == DeploymentStatus.DEPLOYED


def test_an_engine_that_was_given_up_is_tried_again_at_the_next_window(
    clock: FrozenClock, night: Night, actor: Actor, project: Project
) -> None:
    clock.set(utc("2026-10-24T19:00"))
    engine = own_engine(actor, NIGHT)
    deployment = make_deployment(project, actor=actor, engine=engine)
    night.work()
    night.at(utc("2026-10-24T21:00"))
    Engine.objects.update(failures=START_ATTEMPTS - 1, active_at=utc("2026-10-24T21:00"))
    clock.set(utc("2026-10-24T21:00:01"))
    engine.refresh_from_db()
    observe.failed(engine=engine, token=engine.lease_token, reason="Out of memory.")
    reconcile.reconcile()
    deployment.refresh_from_db()
    assert deployment.status == DeploymentStatus.FAILED

    changes = night.ups_and_downs(deployment, BERLIN, utc("2026-10-24T21:15"), utc("2026-10-25T21:30"))
    assert changes == [("Sun 22:00 +0100", "Deployed")]
