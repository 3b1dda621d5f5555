"""Jobs whose worker died, and jobs whose wake-up was lost."""

import os
import subprocess
import sys
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone
from pytest_django import Settings

from embassy.training import lifecycle, reconcile
from embassy.training.models import TrainingJob
from embassy.training.states import JobStatus
from tests.factories.training import make_job, make_running_job

pytestmark = pytest.mark.django_db


def change(job: TrainingJob, **values: object) -> None:
    TrainingJob.objects.filter(pk=job.pk).update(**values)


def test_living_owner_is_left_alone() -> None:
    job = make_running_job()

    reconcile.reconcile()

    job.refresh_from_db()
    assert (job.status, job.failures) == (JobStatus.RUNNING, 0)


@pytest.mark.parametrize("testing", [False, True])
def test_expired_lease_goes_back_to_the_queue(testing: bool) -> None:
    job = make_running_job()
    token = job.lease_token
    if testing:
        lifecycle.begin_testing(job, token=token)
    change(job, lease_until=timezone.now() - timedelta(seconds=1), lease_owner="elsewhere:1")

    reconcile.reconcile()

    job.refresh_from_db()
    assert (job.status, job.failures, job.code) == (JobStatus.PENDING, 1, "worker_lost")
    assert "gone" in job.reason
    assert job.next_retry_at is not None
    assert job.lease_token > token


def test_dead_owner_on_this_host_is_not_waited_for(settings: Settings) -> None:
    job = make_running_job()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    change(job, lease_owner=f"{settings.HOST_NAME}:{dead.pid}")

    assert [found.pk for found in reconcile.orphaned()] == [job.pk]


def test_owner_of_the_same_number_elsewhere_is_waited_for() -> None:
    job = make_running_job()
    change(job, lease_owner=f"elsewhere:{os.getpid()}")

    assert reconcile.orphaned() == []


def test_gives_up_in_the_end(settings: Settings) -> None:
    settings.TRAINING_ATTEMPTS = 1
    job = make_running_job()
    change(job, lease_until=timezone.now() - timedelta(seconds=1))

    reconcile.reconcile()

    job.refresh_from_db()
    assert (job.status, job.code) == (JobStatus.FAILED, "worker_lost")
    assert job.finished_at is not None


def published() -> list[int]:
    with patch("embassy.training.lifecycle.enqueue") as enqueue:
        reconcile.reconcile()
    return [call.args[1] for call in enqueue.call_args_list]


def test_lost_wake_up_is_sent_again_once() -> None:
    job = make_job()
    change(job, published_at=timezone.now() - timedelta(minutes=1))

    assert published() == [job.pk]
    assert published() == []


def test_job_that_waits_for_its_retry_is_not_woken_before() -> None:
    job = make_job()
    change(job, published_at=None, next_retry_at=timezone.now() + timedelta(minutes=1))

    assert published() == []
    assert lifecycle.claim(job.pk) is None

    change(job, next_retry_at=timezone.now())
    assert published() == [job.pk]
    claimed = lifecycle.claim(job.pk)
    assert claimed is not None
    assert claimed.next_retry_at is None


def test_only_pending_jobs_are_woken() -> None:
    job = make_running_job()
    change(job, published_at=None)

    assert published() == []
