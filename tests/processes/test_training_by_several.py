"""The supervisor starts several real trainers by accelerate; nothing is stood in for."""

import json

import pytest
from pytest_django import Settings

from embassy.training.supervisor import run_job
from tests.factories.training import make_job
from tests.processes.test_training_for_real import PARAMETERS, SAMPLES, Mute, assert_trained

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.e2e, pytest.mark.timeout(300)]


def test_two_processes_train_a_job(settings: Settings) -> None:
    settings.TRAINING_STANDBY = ""
    settings.TRAINING_PROCESSES = 2
    rows = b"".join(line + b"\n" for line in SAMPLES.read_bytes().splitlines()[:80])
    several = {"num_processes": 2, "per_device_train_batch_size": 4}
    job = make_job(content=rows, parameters=PARAMETERS | several, train_test_split_ratio=10)

    run_job(job.pk, server=Mute())

    assert_trained(job)
    started = job.events.get(kind="started")
    assert started.data["processes"] == 2
    assert json.dumps(job.checkpoints.get(number=2).evidence["parameters"]).count('"num_processes": 2') == 1
