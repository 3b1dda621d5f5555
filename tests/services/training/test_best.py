"""The best checkpoint is marked, and what is not to be kept goes with the end of the job."""

from typing import Any
from unittest.mock import patch

import pytest

from embassy.deployments.models import Deployment
from embassy.platform.actor import Actor
from embassy.platform.storage import get_storage
from embassy.projects.models import Project
from embassy.training import best, lifecycle, records, services
from embassy.training.models import TestResult, TrainingJob
from embassy.training.states import JobStatus
from tests.factories.deployments import make_deployment
from tests.factories.training import make_checkpoint, make_running_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(project: Project, actor: Actor) -> TrainingJob:
    return running(project, actor, keep="best")


def running(project: Project, actor: Actor, **selection: Any) -> TrainingJob:
    job = make_running_job(
        project=project,
        actor=actor,
        train_test_split_ratio=20,
        test_functions=("exact_match_shared", "test_similarity_shared"),
        selection=selection,
    )
    for number in (1, 2, 3):
        make_checkpoint(job, number)
    lifecycle.begin_testing(job, token=job.lease_token)
    return job


def record(job: TrainingJob, number: int, exact: float, alike: float = 0.0) -> None:
    scores = {"exact_match_shared": exact, "test_similarity_shared": alike}
    result = TestResult(job=job, number=number, rows_key=f"{number}", rows=4, scores=scores)
    records.record_result(job, result, token=job.lease_token)


def marked(job: TrainingJob) -> list[int]:
    return list(job.checkpoints.filter(best=True).values_list("number", flat=True))


def test_the_best_so_far_is_marked_with_each_result(job: TrainingJob) -> None:
    record(job, 0, 0.9)
    assert marked(job) == []  # the base model is no checkpoint
    record(job, 1, 0.2)
    assert marked(job) == [1]
    record(job, 2, 0.8)
    assert marked(job) == [2]
    record(job, 3, 0.8)
    assert marked(job) == [2]


def test_another_function_and_direction(project: Project, actor: Actor) -> None:
    job = running(project, actor, test_function="test_similarity_shared", higher_is_better=False)

    record(job, 1, 0.1, 0.5)
    record(job, 2, 0.9, 0.4)
    record(job, 3, 1.0, 0.6)

    assert marked(job) == [2]


def test_the_others_are_removed_with_the_end_of_the_job(
    job: TrainingJob, django_capture_on_commit_callbacks: Any
) -> None:
    for number, score in enumerate((0.1, 0.2, 0.9, 0.8)):
        record(job, number, score)
    keys = dict(job.checkpoints.values_list("number", "archive_key"))

    with (
        patch("embassy.platform.enqueue.publish") as publish,
        django_capture_on_commit_callbacks(execute=True),
    ):
        assert best.succeed(job, token=job.lease_token)

    job.refresh_from_db()
    assert job.status == JobStatus.SUCCESS
    assert list(job.checkpoints.values_list("number", flat=True)) == [2]
    assert job.test_results.count() == 4
    purged = [call.args for call in publish.call_args_list]
    assert purged == [("training.purge", keys[1]), ("training.purge", keys[3])]
    removed = job.events.filter(kind="removed").order_by("id")
    assert [event.data["checkpoint"] for event in removed] == [1, 3]
    services.purge_objects(prefix=keys[1])
    assert not get_storage().exists(keys[1])
    assert get_storage().exists(keys[2])


def test_all_are_kept_unless_told(project: Project, actor: Actor) -> None:
    job = running(project, actor)
    record(job, 1, 0.5)

    best.succeed(job, token=job.lease_token)

    assert job.checkpoints.count() == 3


def test_nothing_is_removed_by_whoever_has_lost_the_job(job: TrainingJob) -> None:
    record(job, 1, 0.5)

    assert not best.succeed(job, token=job.lease_token + 1)

    assert job.checkpoints.count() == 3


def test_nothing_is_removed_without_a_best(job: TrainingJob) -> None:
    best.succeed(job, token=job.lease_token)

    assert job.checkpoints.count() == 3


def test_what_is_deployed_is_kept(job: TrainingJob, project: Project, actor: Actor) -> None:
    record(job, 1, 0.5)
    deployment = make_deployment(project, actor=actor)
    Deployment.objects.filter(pk=deployment.pk).update(training_job=job, checkpoint=3)

    best.succeed(job, token=job.lease_token)

    assert list(job.checkpoints.values_list("number", flat=True)) == [1, 3]
