"""What users do with training jobs."""

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from embassy.datasets.models import Dataset
from embassy.evaluation import registry
from embassy.platform.actor import Actor
from embassy.platform.enqueue import enqueue
from embassy.platform.errors import Conflict, EmbassyError
from embassy.platform.storage import get_storage
from embassy.projects import audit
from embassy.projects.models import Project
from embassy.training import lifecycle
from embassy.training.inputs import Inputs, dataset_source, dataset_summary, write_inputs
from embassy.training.models import TrainingJob
from embassy.training.plan import Plan, make_plan, name_taken
from embassy.training.requests import JobRequest
from embassy.training.states import UNFINISHED, JobStatus

NOTHING_TO_SCORE = (
    "Test functions are named, but there are no test rows: nothing will be scored."
    " Give test_dataset_id or train_test_split_ratio next time."
)


def create_training_job(*, project: Project, request: JobRequest, actor: Actor) -> TrainingJob:
    """Check, freeze and queue a job. Raises InvalidInput, or Unavailable where a model must be fetched."""
    plan = make_plan(project, request, actor)
    job = _unsaved_job(project, request, plan, actor)
    try:
        _freeze(job, plan, write_inputs(job, plan))
        _save(job, actor)
    except (EmbassyError, IntegrityError) as error:
        get_storage().delete_prefix(job.prefix)
        raise _explained(error, job) from None
    return job


@transaction.atomic
def cancel_training_job(*, job: TrainingJob, actor: Actor) -> None:
    """Stop a job for good; its worker notices within seconds. Raises Conflict if it has ended already."""
    sources = [status.value for status in UNFINISHED]
    if not lifecycle.finish(
        job, JobStatus.CANCELLED, token=None, sources=sources, reason="Cancelled by a user.", code="cancelled"
    ):
        job.refresh_from_db()
        raise Conflict(
            f"Training job {job.name} has ended already: it is {job.status}.", code="already_finished"
        )
    audit.record("training_job.cancelled", job.public_id, actor=actor, name=job.name)


@transaction.atomic
def delete_training_job(*, job: TrainingJob, actor: Actor) -> None:
    """Stop the job if it runs, and remove it with all it made. Raises Conflict while a deployment uses it."""
    audit.record("training_job.deleted", job.public_id, actor=actor, name=job.name)
    _remove(job)


def remove_all(*, project: Project) -> None:
    """Remove every job of a deleted project. Its deployments must be gone."""
    for job in TrainingJob.objects.filter(project=project):
        with transaction.atomic():
            _remove(job)


def purge_objects(*, prefix: str) -> None:
    """Delete the stored files of a removed job, or the one file of that key."""
    if prefix.endswith("/"):
        get_storage().delete_prefix(prefix)
    else:
        get_storage().delete(prefix)


def _remove(job: TrainingJob) -> None:
    # Whoever runs it finds no row with its token any more, and stops.
    prefix, name = job.prefix, job.name
    # The lock keeps whoever records something just now from adding rows that would refer to nothing.
    TrainingJob.objects.select_for_update().filter(pk=job.pk).first()
    try:
        job.delete()
    except ProtectedError:
        raise Conflict(
            f"Training job {name} has deployments. Delete them first.", code="has_deployments"
        ) from None
    enqueue("training.purge", prefix)


def _explained(error: EmbassyError | IntegrityError, job: TrainingJob) -> EmbassyError:
    if isinstance(error, EmbassyError):
        return error
    if "training_job_name_once" in str(error):
        return name_taken(job.name)
    return Conflict("A dataset of this job was deleted just now. Choose another.", code="dataset_deleted")


def _unsaved_job(project: Project, request: JobRequest, plan: Plan, actor: Actor) -> TrainingJob:
    start = plan.start
    return TrainingJob(
        project=project,
        created_by_id=actor.user_id,
        name=plan.name,
        description=request.description,
        technique=plan.technique,
        task_type=request.task_type,
        base_model_option=request.base_model_option,
        base_model=plan.model.name,
        base_fine_tuned_model=start.job.name if start else "",
        base_fine_tuned_model_checkpoint=start.number if start else None,
        train_dataset=plan.train,
        test_dataset=plan.test,
        train_test_split_ratio=request.train_test_split_ratio,
        test_functions=[function.name for function in plan.test_functions],
        reward=plan.reward,
        parameters=plan.parameters,
        reason=lifecycle.WAITING,
    )


def _freeze(job: TrainingJob, plan: Plan, inputs: Inputs) -> None:
    """Write down what every attempt is made from."""
    test = inputs.test
    job.train_rows, job.test_rows = inputs.train.rows, test.rows if test else 0
    job.datasets = {name: dataset_summary(dataset) for name, dataset in _datasets(plan).items()}
    job.spec = {
        "technique": job.technique,
        "task": job.task_type,
        "base_model": plan.model.name,
        "parameters": plan.runner_parameters,
        "train_sha256": inputs.train.sha256,
        "test_sha256": test.sha256 if test else None,
        "sources": {name: dataset_source(dataset) for name, dataset in _datasets(plan).items()},
        "rows": inputs.counts,
        "test_functions": registry.freeze(plan.test_functions),
        "reward": plan.reward,
        "labels": list(plan.targets.labels) if plan.targets else [],
        "baseline": plan.targets.baseline if plan.targets else None,
        "rebalance_data": plan.rebalance,
        "selection": plan.selection.as_dict() if plan.selection else None,
        "starts_from": plan.start.public_id if plan.start else None,
        "start_sha256": plan.start.sha256 if plan.start else None,
        "start_is_whole": plan.start is not None and plan.start.merged,
        "whole": plan.whole,
        "time_limit_seconds": plan.time_limit_seconds,
    }


def _datasets(plan: Plan) -> dict[str, Dataset]:
    return {"train": plan.train} | ({"test": plan.test} if plan.test is not None else {})


@transaction.atomic
def _save(job: TrainingJob, actor: Actor) -> None:
    job.save(force_insert=True)
    audit.record("training_job.created", job.public_id, actor=actor, name=job.name)
    lifecycle.record_event(job, "status", status=JobStatus.PENDING, reason=job.reason, code="")
    if job.test_functions and not job.test_rows and not job.reward:
        lifecycle.record_event(job, "warning", code="nothing_to_score", message=NOTHING_TO_SCORE)
    lifecycle.publish(job)
