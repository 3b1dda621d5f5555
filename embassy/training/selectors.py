"""Reads. Each knows who asks: what is missing and what is somebody else's are the same 404."""

from collections.abc import Iterator
from itertools import islice

from django.db.models import QuerySet

from embassy.datasets.rows import RawRow
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound
from embassy.platform.storage import get_storage
from embassy.projects.models import Project
from embassy.projects.selectors import projects_visible_to
from embassy.training.models import Checkpoint, JobEvent, LossPoint, TestResult, TrainingJob
from embassy.training.rows import read_rows


def jobs_visible_to(actor: Actor) -> "QuerySet[TrainingJob, TrainingJob]":
    return TrainingJob.objects.filter(project__in=projects_visible_to(actor)).order_by("id")


def jobs_of(actor: Actor, project: Project) -> "QuerySet[TrainingJob, TrainingJob]":
    return jobs_visible_to(actor).filter(project=project).select_related("created_by")


def jobs_scored_by(actor: Actor, function: str) -> "QuerySet[TrainingJob, TrainingJob]":
    """Those that name this test function. Each keeps the source that it was created with."""
    return jobs_visible_to(actor).filter(test_functions__contains=[function])


def get_job(actor: Actor, project: Project, public_id: str) -> TrainingJob:
    job = jobs_of(actor, project).filter(public_id=public_id).first()
    if job is None:
        raise NotFound(f"This project has no training job {public_id}.")
    return job


def find_job(actor: Actor, public_id: str) -> TrainingJob:
    """A job by its id alone, in whichever project of the actor's it is."""
    job = jobs_visible_to(actor).filter(public_id=public_id).first()
    if job is None:
        raise NotFound(f"There is no training job {public_id}.")
    return job


def get_checkpoint(job: TrainingJob, number: int) -> Checkpoint:
    checkpoint = job.checkpoints.filter(number=number).first()
    if checkpoint is None:
        raise NotFound(f"Training job {job.name} has no checkpoint {number}.")
    return checkpoint


def checkpoints_of(job: TrainingJob) -> "QuerySet[Checkpoint, Checkpoint]":
    return job.checkpoints.order_by("number")


def results_of(job: TrainingJob) -> "QuerySet[TestResult, TestResult]":
    """One for each tested checkpoint; number 0 is the base model."""
    return job.test_results.order_by("number")


def losses_of(job: TrainingJob) -> "QuerySet[LossPoint, LossPoint]":
    return job.loss_points.order_by("step")


def events_of(job: TrainingJob, *, after: int = 0, limit: int = 500) -> "QuerySet[JobEvent, JobEvent]":
    """The next events after the one with id `after`, in the order in which they happened."""
    return job.events.filter(id__gt=after).order_by("id")[:limit]


def result_rows(result: TestResult, *, limit: int) -> list[RawRow]:
    """The first `limit` rows with their answers and scores."""
    return list(islice(_rows(result.rows_key), limit))


def test_rows(job: TrainingJob) -> Iterator[RawRow]:
    """The rows that checkpoints are tested with."""
    return _rows(job.test_key)


def _rows(key: str) -> Iterator[RawRow]:
    with get_storage().open(key) as lines:
        yield from read_rows(lines)
