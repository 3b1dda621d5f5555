"""A deployment's life, by what its engine and adapter do."""

import pytest
from django.conf import settings

from embassy.deployments import reconcile, selectors, services
from embassy.deployments.models import Deployment
from embassy.deployments.routes import Route
from embassy.deployments.states import DEPLOYMENT, DeploymentStatus
from embassy.engines import observe
from embassy.engines import services as engines
from embassy.engines.models import Adapter, Engine
from embassy.engines.models.engine import START_ATTEMPTS
from embassy.engines.states import Wanted
from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, InvalidInput
from embassy.platform.models import Event
from embassy.projects.models import Project
from embassy.training import services as training
from embassy.training.states import JobStatus
from tests.factories.deployments import (
    BASE,
    RANK,
    ago,
    load,
    make_checkpoint,
    make_deployment,
    make_job,
    run_engine,
    stop_engine,
    up,
)
from tests.factories.projects import make_actor, make_project

pytestmark = pytest.mark.django_db
S = DeploymentStatus


def look(deployment: Deployment) -> Deployment:
    services.reconcile(deployment_pk=deployment.pk)
    deployment.refresh_from_db()
    return deployment


def statuses(deployment: Deployment) -> list[str]:
    return list(
        Event.objects.filter(subject=deployment.public_id).order_by("id").values_list("target", flat=True)
    )


# --- Create ---------------------------------------------------------------------------------------


def test_create_wants_the_engine_and_the_adapter(actor: Actor, project: Project) -> None:
    job = make_job(project)
    checkpoint = make_checkpoint(job, 2, metadata={"labels": ["a"]})
    deployment = make_deployment(project, actor=actor, reference=job.public_id, checkpoint=2, name="mine")

    assert (deployment.status, deployment.name, deployment.reason) == (
        S.PENDING,
        "mine",
        "Waiting for an engine worker.",
    )
    adapter = deployment.adapter
    assert adapter is not None
    assert (adapter.name, adapter.archive_key, adapter.rank) == (
        deployment.public_id,
        checkpoint.archive_key,
        RANK,
    )
    assert deployment.engine.wanted == Wanted.ACTIVE
    assert deployment.prompt_format == checkpoint.prompt_format
    assert deployment.inactive_timeout == settings.INACTIVE_TIMEOUT_SECONDS


def test_base_model_is_deployed_without_adapter(actor: Actor, project: Project) -> None:
    deployment = make_deployment(project, actor=actor, reference=BASE, checkpoint=0)
    assert (deployment.adapter, deployment.upstream_model, deployment.task_type) == (
        None,
        "base",
        "text-generation",
    )
    assert up(deployment).status == S.DEPLOYED


def test_merged_checkpoint_gets_an_engine_of_its_own(actor: Actor, project: Project) -> None:
    job = make_job(project)
    make_checkpoint(job, merged=True, rank=0)
    deployment = make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1)
    assert deployment.engine.archive_key == deployment.archive_key
    assert (deployment.adapter, deployment.upstream_model) == (None, "base")


@pytest.mark.parametrize("status", [JobStatus.PENDING, JobStatus.RUNNING, JobStatus.TESTING])
def test_unfinished_job_is_not_deployed(actor: Actor, project: Project, status: str) -> None:
    job = make_job(project, status=status)
    make_checkpoint(job)
    with pytest.raises(Conflict, match=f"is {status}"):
        make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1)


def test_checkpoint_of_a_job_that_ended_badly_can_be_deployed(actor: Actor, project: Project) -> None:
    job = make_job(project, status=JobStatus.CANCELLED)
    make_checkpoint(job)
    assert make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1).pk


@pytest.mark.parametrize(
    ("reference", "checkpoint", "said"),
    [
        ("tr-0000000000000000000000", 1, "no training job"),
        ("no-such-model", 0, "no base model"),
        (BASE, 1, "only checkpoint is 0"),
        ("own", 3, "no checkpoint 3"),
        ("own", 0, "0 means a base model"),
    ],
)
def test_what_does_not_exist_is_refused(
    actor: Actor, project: Project, reference: str, checkpoint: int, said: str
) -> None:
    job = make_job(project)
    make_checkpoint(job)
    with pytest.raises(InvalidInput, match=said):
        make_deployment(
            project,
            actor=actor,
            reference=job.public_id if reference == "own" else reference,
            checkpoint=checkpoint,
        )
    assert not Deployment.objects.exists()


def test_job_of_another_organization_does_not_exist(actor: Actor, project: Project) -> None:
    job = make_job(make_project(make_actor()))
    make_checkpoint(job)
    with pytest.raises(InvalidInput, match="no training job"):
        make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": BASE}, "something else"),
        ({"name": "dp-0000000000000000000000"}, "something else"),
        ({"name": "a\nb"}, "printable"),
        ({"name": "x" * 121}, "printable"),
        ({"inactive_timeout": 5}, "between 60"),
        ({"inactive_timeout": 0}, "between 60"),
        ({"schedule": {"timezone": "Mars/Base", "start_time": "10:00", "end_time": "11:00"}}, "IANA"),
    ],
)
def test_bad_requests_are_refused(
    actor: Actor, project: Project, change: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        make_deployment(project, actor=actor, reference=BASE, checkpoint=0, **change)


def test_name_is_unique_among_the_live_ones_of_an_organization(actor: Actor, project: Project) -> None:
    first = make_deployment(project, actor=actor, reference=BASE, checkpoint=0, name="x")
    other_project = make_project(actor)
    with pytest.raises(Conflict, match="named x"):
        make_deployment(other_project, actor=actor, reference=BASE, checkpoint=0, name="x")
    assert make_deployment(reference=BASE, checkpoint=0, name="x").name == "x"  # another organization

    services.delete_deployment(deployment=first, actor=actor)
    assert make_deployment(other_project, actor=actor, reference=BASE, checkpoint=0, name="x").pk


# --- Coming up ------------------------------------------------------------------------------------


def test_it_is_deployed_once_its_engine_serves_its_adapter() -> None:
    deployment = make_deployment()
    claimed = observe.claim(engine_pk=deployment.engine_id)
    assert claimed is not None
    assert look(deployment).status == S.DEPLOYING
    observe.active(engine=claimed, token=claimed.lease_token, host="h", port=1, model_path="/m", seconds=1.0)
    assert look(deployment).status == S.DEPLOYING
    assert deployment.reason == "Loading its adapter."
    assert deployment.adapter is not None
    load(deployment.adapter)
    assert (look(deployment).status, deployment.reason) == (S.DEPLOYED, "")
    assert statuses(deployment) == [S.DEPLOYING, S.DEPLOYED]


def test_adapter_that_is_refused_fails_the_deployment_with_its_reason() -> None:
    deployment = make_deployment()
    engine = run_engine(make_deployment(reference=BASE, checkpoint=0).engine)
    assert deployment.adapter is not None
    observe.load_failed(adapter=deployment.adapter, token=engine.lease_token, error="It is damaged.")
    assert (look(deployment).status, deployment.reason) == (S.FAILED, "It is damaged.")
    assert deployment.adapter is None


def test_engine_that_gives_up_fails_the_deployment() -> None:
    deployment = make_deployment()
    Engine.objects.update(failures=START_ATTEMPTS - 1)
    claimed = observe.claim(engine_pk=deployment.engine_id)
    assert claimed is not None
    observe.failed(engine=claimed, token=claimed.lease_token, reason="Too big.")
    assert look(deployment).status == S.FAILED
    assert "Too big." in deployment.reason


def test_waiting_too_long_times_out() -> None:
    deployment = make_deployment()
    Deployment.objects.update(began_at=ago(2 * settings.ENGINE_START_SECONDS + 1))
    assert look(deployment).status == S.TIMED_OUT
    assert "Reactivate it" in deployment.reason


def test_engine_crash_shows_until_it_is_back() -> None:
    deployment = up(make_deployment())
    engine = deployment.engine
    observe.failed(engine=engine, token=engine.lease_token, reason="It crashed.")
    assert (look(deployment).status, deployment.reason) == (S.REACTIVATING, "It crashed.")
    assert up(deployment).status == S.DEPLOYED


def test_what_was_let_go_meanwhile_is_wanted_again() -> None:
    deployment = make_deployment()
    assert deployment.adapter is not None
    engines.drop_adapter(adapter=deployment.adapter)
    engines.want_inactive(engine=deployment.engine, reason="Not used.")
    Adapter.objects.all().delete()
    look(deployment)
    assert deployment.status == S.PENDING
    assert deployment.adapter is not None
    assert deployment.adapter.wanted
    assert deployment.engine.wanted == Wanted.ACTIVE


# --- Sleeping and waking --------------------------------------------------------------------------


def test_idle_deployment_sleeps_and_its_engine_follows(actor: Actor) -> None:
    deployment = up(make_deployment(inactive_timeout=600))
    reconcile.apply_schedules()
    deployment.refresh_from_db()
    assert deployment.status == S.DEPLOYED

    Deployment.objects.update(woken_at=ago(700), last_used_at=ago(650))
    Engine.objects.update(last_access_at=ago(650))
    reconcile.apply_schedules()
    deployment.refresh_from_db()
    assert (deployment.status, deployment.adapter) == (S.DEACTIVATED, None)
    assert "600 seconds" in deployment.reason
    assert not Adapter.objects.filter(wanted=True).exists()
    assert deployment.engine.wanted == Wanted.ACTIVE  # used not long ago

    Engine.objects.update(last_access_at=ago(settings.INACTIVE_TIMEOUT_SECONDS + 1))
    reconcile.apply_schedules()
    assert Engine.objects.get().wanted == Wanted.INACTIVE


def test_engine_with_a_live_deployment_is_never_retired() -> None:
    deployment = up(make_deployment())
    Engine.objects.update(last_access_at=ago(10 * settings.INACTIVE_TIMEOUT_SECONDS))
    reconcile.apply_schedules()
    assert Engine.objects.get(pk=deployment.engine_id).wanted == Wanted.ACTIVE


def test_request_wakes_a_sleeping_deployment(actor: Actor) -> None:
    deployment = up(make_deployment())
    services.deactivate(deployment=deployment, actor=actor)
    engines.want_inactive(engine=deployment.engine, reason="Not used.")
    stop_engine(deployment.engine)
    [route] = [route for route in selectors.routes() if route.kind == "deployment"]
    assert route.state == "asleep"

    services.wake(route=route, actor=actor)
    services.wake(route=route, actor=actor)
    deployment.refresh_from_db()
    assert (deployment.status, deployment.engine.wanted) == (S.REACTIVATING, Wanted.ACTIVE)
    assert up(deployment).status == S.DEPLOYED
    assert statuses(deployment)[-3:] == [S.DEACTIVATED, S.REACTIVATING, S.DEPLOYED]


def test_sleep_by_hand_is_not_undone_by_the_scheduler(actor: Actor) -> None:
    deployment = up(make_deployment())
    services.deactivate(deployment=deployment, actor=actor)
    reconcile.apply_schedules()
    reconcile.reconcile()
    deployment.refresh_from_db()
    assert deployment.status == S.DEACTIVATED


def test_window_opens_and_closes() -> None:
    always = {"timezone": "UTC", "start_time": "00:00", "end_time": "00:00"}
    deployment = up(make_deployment(schedule=always))
    Deployment.objects.update(woken_at=ago(90 * 86400))
    reconcile.apply_schedules()
    deployment.refresh_from_db()
    assert deployment.status == S.DEPLOYED

    DEPLOYMENT.transition(deployment, S.DEACTIVATED)
    reconcile.apply_schedules()
    deployment.refresh_from_db()
    assert deployment.status == S.REACTIVATING
    assert "Inside its schedule" in deployment.reason


def test_reactivate_and_deactivate_need_the_right_state(actor: Actor) -> None:
    deployment = up(make_deployment())
    with pytest.raises(Conflict, match="is Deployed"):
        services.reactivate(deployment=deployment, actor=actor)
    services.deactivate(deployment=deployment, actor=actor)
    with pytest.raises(Conflict, match="is Deactivated"):
        services.deactivate(deployment=deployment, actor=actor)
    services.reactivate(deployment=deployment, actor=actor)
    assert deployment.status == S.REACTIVATING


def test_failed_deployment_can_be_tried_again(actor: Actor) -> None:
    deployment = make_deployment()
    engine = run_engine(make_deployment(reference=BASE, checkpoint=0).engine)
    assert deployment.adapter is not None
    observe.load_failed(adapter=deployment.adapter, token=engine.lease_token, error="Storage was away.")
    look(deployment)
    services.reactivate(deployment=deployment, actor=actor)
    assert deployment.adapter is not None
    assert deployment.adapter.error == ""
    load(deployment.adapter)
    assert look(deployment).status == S.DEPLOYED


# --- Engines of an organization -------------------------------------------------------------------


@pytest.fixture
def own_engine(actor: Actor) -> Engine:
    return services.create_engine(
        base_model=BASE, name="ours", task_type=None, resource_management=None, actor=actor
    )


def test_deployments_follow_their_own_engine(actor: Actor, project: Project, own_engine: Engine) -> None:
    deployment = up(make_deployment(project, actor=actor, engine=own_engine))
    engines.deactivate(engine=deployment.engine, actor=actor)
    stop_engine(own_engine)
    assert (look(deployment).status, deployment.reason) == (S.DEACTIVATED, "Deactivated by hand.")

    own_engine.refresh_from_db()
    engines.activate(engine=own_engine, actor=actor)
    assert look(deployment).status == S.REACTIVATING
    assert up(deployment).status == S.DEPLOYED


def test_own_engine_sleeps_by_its_own_rules(actor: Actor, own_engine: Engine) -> None:
    run_engine(own_engine)
    old = ago(settings.INACTIVE_TIMEOUT_SECONDS + 1)
    Engine.objects.update(last_access_at=old, woken_at=old)
    reconcile.apply_schedules()
    assert Engine.objects.get().wanted == Wanted.INACTIVE


def test_own_engine_takes_only_what_fits(actor: Actor, project: Project, own_engine: Engine) -> None:
    job = make_job(project)
    make_checkpoint(job, 1, rank=64)
    make_checkpoint(job, 2, merged=True)
    other = make_job(project, base_model="Qwen3-0.6B")
    make_checkpoint(other, 1)
    classifier = make_job(project, task_type="classification")
    make_checkpoint(classifier, 1)
    for reference, checkpoint, said in [
        (job.public_id, 1, "up to rank 16"),
        (job.public_id, 2, "engine of its own"),
        (other.public_id, 1, "not Qwen3-0.6B"),
        (classifier.public_id, 1, "not classification"),
    ]:
        with pytest.raises(InvalidInput, match=said):
            make_deployment(
                project, actor=actor, engine=own_engine, reference=reference, checkpoint=checkpoint
            )


# --- The end --------------------------------------------------------------------------------------


def test_delete_lets_go_of_everything(actor: Actor, project: Project) -> None:
    job = make_job(project)
    make_checkpoint(job)
    deployment = up(make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1))
    with pytest.raises(Conflict, match="has deployments"):
        training.delete_training_job(job=job, actor=actor)

    services.delete_deployment(deployment=deployment, actor=actor)
    assert (deployment.status, deployment.training_job) == (S.TERMINATED, None)
    assert not Adapter.objects.filter(wanted=True).exists()
    assert not selectors.deployments_of(actor, project).exists()
    training.delete_training_job(job=job, actor=actor)


def test_remove_all_leaves_no_row(actor: Actor, project: Project) -> None:
    up(make_deployment(project, actor=actor))
    services.remove_all(project=project)
    assert not Deployment.objects.exists()
    assert not Adapter.objects.filter(wanted=True).exists()


@pytest.mark.parametrize(("was_up", "status"), [(False, S.CANCELLED), (True, S.TERMINATED)])
def test_deleted_deployment_stays_deleted(actor: Actor, project: Project, was_up: bool, status: str) -> None:
    deployment = make_deployment(project, actor=actor, name="x")
    if was_up:
        up(deployment)
    services.delete_deployment(deployment=deployment, actor=actor)
    services.delete_deployment(deployment=deployment, actor=actor)
    assert look(deployment).status == status
    route = selectors.deployment_route(deployment)
    assert route.state == "terminated"
    services.wake(route=route, actor=actor)
    deployment.refresh_from_db()
    assert deployment.status == status
    assert (deployment.adapter, deployment.training_job) == (None, None)
    assert statuses(deployment)[-1] == status
    assert not Adapter.objects.filter(wanted=True).exists()
    assert make_deployment(project, actor=actor, name="x").pk  # the name is free


def test_one_that_is_deleted_while_it_comes_up_is_cancelled(actor: Actor) -> None:
    deployment = make_deployment()
    observe.claim(engine_pk=deployment.engine_id)
    assert look(deployment).status == S.DEPLOYING
    services.delete_deployment(deployment=deployment, actor=actor)
    assert statuses(deployment) == [S.DEPLOYING, S.CANCELLED]


def test_table_of_moves_is_the_databases_too() -> None:
    assert set(DEPLOYMENT.states) == set(S.values)
    assert DEPLOYMENT.final() == {S.CANCELLED, S.TERMINATED}


# --- Routes ---------------------------------------------------------------------------------------


def test_route_of_a_deployment() -> None:
    deployment = up(make_deployment(name="mine"))
    [route] = [route for route in selectors.routes() if route.kind == "deployment"]
    assert route.models == ("mine", deployment.public_id)
    assert (route.state, route.host, route.port) == ("ready", "127.0.0.1", 5001)
    assert (route.upstream_model, route.api_key) == (deployment.public_id, deployment.engine.api_key)
    assert (route.prompt_prefix, route.prompt_suffix) == ("<user>", "<assistant>")
    assert (route.organization_id, route.project_id) == (deployment.organization_id, deployment.project_id)


def test_route_is_ready_as_soon_as_the_engine_is_and_not_while_it_drains() -> None:
    deployment = make_deployment()
    engine = run_engine(deployment.engine)

    def state() -> str:
        return next(route.state for route in selectors.routes() if route.kind == "deployment")

    assert state() == "ready"  # though nobody has moved the status yet
    observe.draining(engine=engine, token=engine.lease_token)
    assert state() == "starting"


def test_route_of_a_serverless_base_model(actor: Actor) -> None:
    def route_of_base() -> Route:
        return next(route for route in selectors.routes() if BASE in route.models)

    route = route_of_base()
    assert (route.state, route.engine_pk, route.organization_id) == ("asleep", None, None)
    services.wake(route=route, actor=actor)
    assert route_of_base().state == "starting"
    run_engine(Engine.objects.get())
    assert (route_of_base().state, route_of_base().upstream_model) == ("ready", "base")


def test_base_model_that_was_given_up_rests_before_it_is_tried_again() -> None:
    engine = engines.ensure_engine(base_model=BASE, task_type="text-generation")
    Engine.objects.update(
        wanted=Wanted.INACTIVE, failures=START_ATTEMPTS, retry_at=ago(-30), reason="Too big."
    )
    engine.refresh_from_db()
    assert selectors.engine_state(engine) == "failed"
    engine.retry_at = ago(1)
    assert selectors.engine_state(engine) == "asleep"


def test_deleted_deployment_is_remembered_for_a_while_and_deleted_projects_are_not(
    actor: Actor, project: Project
) -> None:
    deployment = make_deployment(project, actor=actor)
    services.delete_deployment(deployment=deployment, actor=actor)
    assert [route.state for route in selectors.routes() if route.kind == "deployment"] == ["terminated"]
    Deployment.objects.update(updated_at=ago(4000))
    assert [route for route in selectors.routes() if route.kind == "deployment"] == []


def test_routes_need_few_queries(django_assert_max_num_queries: object) -> None:
    for _ in range(4):
        make_deployment()
    with django_assert_max_num_queries(4):  # type: ignore[operator]
        selectors.routes()


def test_touch_notes_use() -> None:
    deployment = make_deployment()
    Engine.objects.update(last_access_at=ago(5000))
    services.touch(deployment_pks={deployment.pk}, engine_pks={deployment.engine_id})
    deployment.refresh_from_db()
    assert deployment.last_used_at is not None
    assert deployment.last_used_at > ago(60)
    last_access = Engine.objects.get().last_access_at
    assert last_access is not None
    assert last_access > ago(60)
