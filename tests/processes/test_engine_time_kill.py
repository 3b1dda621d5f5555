"""Whoever counts engine time may be killed at any moment: no second is lost, and none counted twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from embassy.engines.models import EngineRun
from embassy.inference import engine_time
from embassy.inference.models import Usage
from embassy.platform.models import Event
from tests.factories.deployments import ago, make_deployment, up

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROOT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """Of processes that share the test's database."""
    database = dict(connection.settings_dict)
    address = f"host={database['HOST']}&port={database['PORT']}"
    url = f"postgresql://{database['USER']}:{database['PASSWORD']}@/{database['NAME']}?{address}"
    return os.environ | {"DATABASE_URL": url}


def test_a_kill_between_the_usage_and_the_commit() -> None:
    deployment = up(make_deployment())
    began, ended = ago(300), ago(180)
    Event.objects.filter(subject=deployment.public_id).update(created_at=began)
    EngineRun.objects.update(active_at=began, ended_at=ended)

    command = [sys.executable, "-m", "tests.fakes.count_engine_time"]
    for _ in range(2):
        killed = subprocess.run(command, cwd=ROOT, env=environment(), check=False)
        assert killed.returncode == -signal.SIGKILL
        assert not Usage.objects.exists()
    engine_time.share_out()
    total = sum(Usage.objects.values_list("engine_milliseconds", flat=True))
    assert total == pytest.approx((ended - began).total_seconds() * 1000, abs=5)
