"""An engine holds so many adapters and no more: what comes after goes to another engine of the same key."""

from collections import Counter

import pytest

from embassy.deployments import moves, services, testing
from embassy.deployments.models import Deployment
from embassy.engines import services as engines
from embassy.engines.command import GUESTS, MAX_ADAPTERS
from embassy.engines.models import Adapter, Engine
from embassy.engines.states import Wanted
from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict
from embassy.projects.models import Project
from embassy.training.models import Checkpoint, TrainingJob
from tests.factories.deployments import (
    BASE,
    load,
    make_checkpoint,
    make_deployment,
    make_job,
    run_engine,
    stop_engine,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(project: Project) -> TrainingJob:
    job = make_job(project)
    make_checkpoint(job)
    return job


def deploy(job: TrainingJob, actor: Actor, *, engine: Engine | None = None) -> Deployment:
    return make_deployment(job.project, actor=actor, engine=engine, reference=job.public_id, checkpoint=1)


def fill(job: TrainingJob, actor: Actor, count: int = MAX_ADAPTERS) -> list[Deployment]:
    return [deploy(job, actor) for _ in range(count)]


def by_shard() -> Counter[int]:
    return Counter(Adapter.objects.filter(wanted=True).values_list("engine__shard", flat=True))


def test_many_deployments_make_as_many_engines_as_they_need(job: TrainingJob, actor: Actor) -> None:
    fill(job, actor, 2 * MAX_ADAPTERS + 2)
    assert by_shard() == {0: MAX_ADAPTERS, 1: MAX_ADAPTERS, 2: 2}
    assert Engine.objects.count() == 3
    assert all(row.adapter.engine_id == row.engine_id for row in Deployment.objects.select_related("adapter"))
    assert len(set(Engine.objects.values_list("name", flat=True))) == 3


def test_a_deletion_frees_its_place_once_the_adapter_is_gone(job: TrainingJob, actor: Actor) -> None:
    first, *_ = fill(job, actor)
    services.delete_deployment(deployment=first, actor=actor)
    assert deploy(job, actor).engine.shard == 0

    loaded = Deployment.objects.exclude(status="Cancelled").order_by("id")[0]
    run_engine(loaded.engine)
    services.delete_deployment(deployment=loaded, actor=actor)
    assert deploy(job, actor).engine.shard == 1  # the engine still holds what it has to unload
    Adapter.objects.filter(wanted=False).delete()
    assert deploy(job, actor).engine.shard == 0


def test_one_that_wakes_and_finds_its_engine_full_moves(job: TrainingJob, actor: Actor) -> None:
    sleeper, *_ = fill(job, actor)
    services.deactivate(deployment=sleeper, actor=actor)
    assert deploy(job, actor).engine.shard == 0  # in its place

    services.reactivate(deployment=sleeper, actor=actor)
    sleeper.refresh_from_db()
    assert sleeper.engine.shard == 1
    assert sleeper.adapter is not None
    assert sleeper.adapter.engine_id == sleeper.engine_id
    run_engine(sleeper.engine)
    services.reconcile(deployment_pk=sleeper.pk)
    sleeper.refresh_from_db()
    assert sleeper.status == "Deployed"


def test_one_that_wakes_goes_where_it_was_while_that_is_up(job: TrainingJob, actor: Actor) -> None:
    rows = fill(job, actor, MAX_ADAPTERS + 1)
    services.delete_deployment(deployment=rows[0], actor=actor)
    services.deactivate(deployment=rows[-1], actor=actor)
    services.reactivate(deployment=rows[-1], actor=actor)
    rows[-1].refresh_from_db()
    assert rows[-1].engine.shard == 1


def test_one_that_wakes_starts_no_engine_while_another_has_room(job: TrainingJob, actor: Actor) -> None:
    rows = fill(job, actor, MAX_ADAPTERS + 1)
    alone = rows[-1]
    services.deactivate(deployment=alone, actor=actor)
    engines.want_inactive(engine=alone.engine, reason="Not used.")
    services.delete_deployment(deployment=rows[0], actor=actor)

    services.reactivate(deployment=alone, actor=actor)
    alone.refresh_from_db()
    assert alone.engine.shard == 0
    assert Engine.objects.get(shard=1).wanted == Wanted.INACTIVE


def test_one_whose_adapter_was_dropped_while_its_engine_filled_up_moves(
    job: TrainingJob, actor: Actor
) -> None:
    robbed, *_ = fill(job, actor)
    assert robbed.adapter is not None
    robbed.adapter.delete()
    deploy(job, actor)
    moves.settle(deployment_pk=robbed.pk)
    robbed.refresh_from_db()
    assert robbed.engine.shard == 1


def test_guests_need_no_other_engine(job: TrainingJob, actor: Actor) -> None:
    fill(job, actor)
    checkpoint = Checkpoint.objects.get(job=job)
    for _ in range(GUESTS):
        engine, adapter = testing._take_place(job, checkpoint)
        assert engine.shard == 0
        assert adapter.expires_at is not None
    assert testing._take_place(job, checkpoint)[0].shard == 1
    assert deploy(job, actor).engine.shard == 1


def test_guests_leave_deployments_their_places(job: TrainingJob, actor: Actor) -> None:
    checkpoint = Checkpoint.objects.get(job=job)
    with testing.temporarily_wanted(job, checkpoint) as guest:
        assert guest.adapter is not None
        assert deploy(job, actor).engine_id == guest.engine.pk
    assert not Adapter.objects.filter(name=guest.adapter.name, wanted=True).exists()


def test_shared_base_models_stay_on_the_first_engine(job: TrainingJob, actor: Actor) -> None:
    fill(job, actor, MAX_ADAPTERS + 1)
    base = make_deployment(job.project, actor=actor, reference=BASE, checkpoint=0)
    assert base.engine.shard == 0
    assert engines.ensure_engine(base_model=BASE, task_type="text-generation").shard == 0


def test_an_own_engine_holds_no_more_than_it_can(job: TrainingJob, actor: Actor) -> None:
    engine = services.create_engine(
        base_model=BASE, name="ours", task_type=None, resource_management=None, actor=actor
    )
    rows = [deploy(job, actor, engine=engine) for _ in range(MAX_ADAPTERS)]
    services.deactivate(deployment=rows[0], actor=actor)
    with pytest.raises(Conflict, match="as many as it can hold") as caught:
        deploy(job, actor, engine=engine)
    assert caught.value.code == "engine_full"
    assert make_deployment(job.project, actor=actor, engine=engine, reference=BASE, checkpoint=0).pk
    services.delete_deployment(deployment=rows[0], actor=actor)
    assert deploy(job, actor, engine=engine).engine_id == engine.pk


def test_an_engine_that_stopped_has_its_places_again(job: TrainingJob, actor: Actor) -> None:
    row = deploy(job, actor)
    run_engine(row.engine)
    assert row.adapter is not None
    load(row.adapter)
    services.deactivate(deployment=row, actor=actor)
    stop_engine(row.engine)
    assert not Adapter.objects.exclude(loaded_at=None).exists()
