"""Which engine makes room for one that waits, and what becomes of the deployments on it."""

import pytest
from django.conf import settings
from django.db.models import F

from embassy.deployments import reconcile, room, selectors, services
from embassy.deployments.models import Deployment
from embassy.deployments.states import DeploymentStatus
from embassy.engines import services as engines
from embassy.engines.keys import Archive
from embassy.engines.models import Adapter, Engine, Host
from embassy.engines.states import Wanted
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from tests.factories.deployments import (
    BASE,
    RANK,
    ago,
    make_checkpoint,
    make_deployment,
    make_job,
    run_engine,
    stop_engine,
    up,
)
from tests.factories.hosts import bytes_of, make_host

pytestmark = pytest.mark.django_db
S = DeploymentStatus

ALL_WEEK = {"timezone": "UTC", "start_time": "00:00", "end_time": "00:00"}
OLD_S = 600.0


@pytest.fixture
def newcomer(mine: Deployment) -> Engine:
    """Waits, because its host may run no more engines than there are."""
    Host.objects.update(slots=1)
    return engines.ensure_engine(base_model=BASE, task_type="classification")


@pytest.fixture(autouse=True)
def here() -> Host:
    return make_host()


@pytest.fixture
def mine(actor: Actor, project: Project) -> Deployment:
    """Deployed, and not used for long."""
    return unused(up(make_deployment(project, actor=actor)))


def unused(deployment: Deployment, seconds: float = OLD_S) -> Deployment:
    Deployment.objects.filter(pk=deployment.pk).update(woken_at=ago(seconds), last_used_at=ago(seconds))
    Engine.objects.filter(pk=deployment.engine_id).update(last_access_at=ago(seconds))
    deployment.refresh_from_db()
    return deployment


def wanted(engine: Engine) -> bool:
    return Engine.objects.get(pk=engine.pk).wanted == Wanted.ACTIVE


def status(deployment: Deployment) -> str:
    return Deployment.objects.get(pk=deployment.pk).status


def unneeded_engine(seconds: float) -> Engine:
    """Up, with nothing on it, and a place more for it."""
    Host.objects.update(slots=F("slots") + 1)
    engine = run_engine(engines.ensure_engine(base_model=BASE, task_type="embedding"))
    Engine.objects.filter(pk=engine.pk).update(last_access_at=ago(seconds))
    return engine


def test_nothing_is_stopped_while_nobody_waits(mine: Deployment) -> None:
    room.make_room()
    assert wanted(mine.engine)
    assert status(mine) == S.DEPLOYED


def test_unused_deployment_sleeps_with_its_engine(mine: Deployment, newcomer: Engine) -> None:
    room.make_room()
    mine.refresh_from_db()
    assert (mine.status, mine.reason) == (S.DEACTIVATED, room.REASON)
    assert not wanted(mine.engine)
    assert not Adapter.objects.filter(engine=mine.engine, wanted=True).exists()
    assert wanted(newcomer)


def test_engine_with_nothing_on_it_goes_first(mine: Deployment, newcomer: Engine) -> None:
    spare = unneeded_engine(70)
    room.make_room()
    assert not wanted(spare)
    assert wanted(mine.engine)


def test_least_recently_used_goes_first(
    actor: Actor, project: Project, mine: Deployment, newcomer: Engine
) -> None:
    job = make_job(project)
    make_checkpoint(job, rank=64)
    Host.objects.update(slots=2)
    other = up(make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1))
    unused(other, OLD_S / 2)

    room.make_room()
    assert (status(mine), status(other)) == (S.DEACTIVATED, S.DEPLOYED)
    assert (wanted(mine.engine), wanted(other.engine)) == (False, True)


@pytest.mark.parametrize("column", ["woken_at", "last_used_at"])
def test_recently_used_deployment_is_protected(mine: Deployment, newcomer: Engine, column: str) -> None:
    Deployment.objects.filter(pk=mine.pk).update(**{column: ago(30)})
    room.make_room()
    assert wanted(mine.engine)


def test_recently_used_engine_is_protected(mine: Deployment, newcomer: Engine) -> None:
    Engine.objects.filter(pk=mine.engine_id).update(last_access_at=ago(30))
    room.make_room()
    assert wanted(mine.engine)


def test_open_window_is_protected(mine: Deployment, newcomer: Engine) -> None:
    Deployment.objects.filter(pk=mine.pk).update(schedule=ALL_WEEK)
    room.make_room()
    assert status(mine) == S.DEPLOYED


def test_one_busy_deployment_protects_its_neighbours(
    actor: Actor, project: Project, mine: Deployment, newcomer: Engine
) -> None:
    pending = make_deployment(project, actor=actor)
    assert pending.engine_id == mine.engine_id
    unused(pending)
    room.make_room()
    assert (status(mine), status(pending)) == (S.DEPLOYED, S.PENDING)


def test_test_run_is_protected(mine: Deployment, newcomer: Engine) -> None:
    archive = Archive("training/x/1.tar.gz", "a" * 64)
    engines.want_adapter(engine=mine.engine, name="guest", archive=archive, rank=RANK, seconds=600)
    room.make_room()
    assert wanted(mine.engine)


def test_own_engine_of_an_organization_is_protected(actor: Actor) -> None:
    own = services.create_engine(
        base_model=BASE, name="ours", task_type=None, resource_management=None, actor=actor
    )
    run_engine(own)
    Engine.objects.filter(pk=own.pk).update(last_access_at=ago(OLD_S))
    Host.objects.update(slots=1)
    engines.ensure_engine(base_model=BASE, task_type="classification")
    room.make_room()
    assert wanted(own)


def test_nobody_sleeps_while_there_is_room(mine: Deployment, newcomer: Engine) -> None:
    Host.objects.update(slots=2)
    room.make_room()
    assert status(mine) == S.DEPLOYED


def test_nobody_sleeps_for_what_will_have_room_when_another_has_stopped(
    mine: Deployment, newcomer: Engine
) -> None:
    stopping = unneeded_engine(0)
    engines.want_inactive(engine=stopping, reason="Enough.")
    room.make_room()
    assert status(mine) == S.DEPLOYED


def test_nobody_sleeps_in_vain(mine: Deployment, newcomer: Engine) -> None:
    Host.objects.update(slots=5, memory_bytes=bytes_of(newcomer) - 1)
    room.make_room()
    assert status(mine) == S.DEPLOYED


def test_bytes_decide_who_sleeps_and_no_more_than_needed(mine: Deployment) -> None:
    """The one unused longest is too small to help alone, and then not needed at all."""
    small = unneeded_engine(OLD_S)
    big = run_engine(engines.ensure_engine(base_model=BASE, task_type="text-generation", rank=64))
    Engine.objects.filter(pk=big.pk).update(last_access_at=ago(100), need_bytes=bytes_of(big))
    waiting = engines.ensure_engine(base_model=BASE, task_type="classification", rank=64)
    small.refresh_from_db()
    used = sum(Engine.objects.get(pk=row.pk).need_bytes or 0 for row in (mine.engine, small, big))
    Host.objects.update(slots=9, memory_bytes=used + bytes_of(waiting) - bytes_of(big))
    assert bytes_of(small) < bytes_of(waiting) == bytes_of(big)

    room.make_room()
    assert [wanted(engine) for engine in (small, big, mine.engine)] == [True, False, True]


def test_room_is_made_on_one_host(mine: Deployment, newcomer: Engine) -> None:
    """Where one engine will do, not where it takes two."""
    make_host("b", slots=1)
    far = services_engine_on("b", rank=64)
    Engine.objects.filter(pk=far.pk).update(last_access_at=ago(OLD_S * 2))
    room.make_room()
    assert (wanted(far), wanted(mine.engine)) == (False, True)


def services_engine_on(host: str, rank: int) -> Engine:
    """Up on another host, with nothing on it."""
    engine = engines.ensure_engine(base_model=BASE, task_type="text-generation", rank=rank)
    Engine.objects.filter(pk=engine.pk).update(host_name=settings.HOST_NAME)
    engine = run_engine(engine)
    Engine.objects.filter(pk=engine.pk).update(host_name=host, need_bytes=bytes_of(engine))
    return engine


def test_who_made_room_stays_asleep_until_the_next_request(
    actor: Actor, mine: Deployment, newcomer: Engine
) -> None:
    room.make_room()
    stop_engine(mine.engine)
    reconcile.apply_schedules()
    reconcile.reconcile()
    assert status(mine) == S.DEACTIVATED
    mine.refresh_from_db()

    route = selectors.deployment_route(mine)
    assert route.state == "asleep"
    services.wake(route=route, actor=actor)
    assert status(mine) == S.REACTIVATING
    assert wanted(mine.engine)
    reconcile.apply_schedules()
    assert status(mine) == S.REACTIVATING
    assert status(up(mine)) == S.DEPLOYED
    reconcile.apply_schedules()
    assert status(mine) == S.DEPLOYED


def test_window_that_opens_later_wakes_it(mine: Deployment, newcomer: Engine) -> None:
    """To make room is no wish of the user's: when the window opens, it is up again."""
    room.make_room()
    Deployment.objects.filter(pk=mine.pk).update(schedule=ALL_WEEK, slept_at=ago(8 * 86400))
    reconcile.apply_to_deployments()
    assert status(mine) == S.REACTIVATING
