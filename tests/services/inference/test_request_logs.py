"""Retention of request logs, and what goes with a deployment."""

from datetime import timedelta

import pytest
from django.utils import timezone

from embassy.deployments import services as deployments
from embassy.deployments.models import Deployment
from embassy.inference.models import RequestLog
from embassy.inference.request_logs import services
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.workers.schedule import TIMETABLE
from tests.factories.deployments import make_deployment
from tests.factories.request_logs import make_log

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployment(actor: Actor, project: Project) -> Deployment:
    return make_deployment(project, actor=actor, log_requests=True, log_days=7)


def left() -> set[str]:
    return set(RequestLog.objects.values_list("input", flat=True))


def test_each_deployment_has_its_own_retention(
    actor: Actor, project: Project, deployment: Deployment
) -> None:
    longer = make_deployment(project, actor=actor, log_requests=True, log_days=30)
    now = timezone.now()
    for days in (6, 8, 31):
        for row in (deployment, longer):
            make_log(row, f"{row.log_days}: {days}", created_at=now - timedelta(days=days))

    assert services.purge() == 3
    assert services.purge() == 0

    assert left() == {"7: 6", "30: 6", "30: 8"}


def test_many_go_in_pieces(monkeypatch: pytest.MonkeyPatch, deployment: Deployment) -> None:
    monkeypatch.setattr(services, "DELETE_BATCH", 2)
    for _ in range(5):
        make_log(deployment, created_at=timezone.now() - timedelta(days=8))

    assert services.purge() == 5


def test_what_is_kept_outlives_the_switch(deployment: Deployment, actor: Actor) -> None:
    make_log(deployment, "kept")
    deployments.change_logging(deployment=deployment, log_requests=False, log_days=None, actor=actor)

    assert services.purge() == 0
    assert left() == {"kept"}


def test_logs_go_with_their_deployment(deployment: Deployment, actor: Actor) -> None:
    make_log(deployment)
    deployments.delete_deployment(deployment=deployment, actor=actor)

    assert services.purge() == 1


def test_logs_go_with_their_project(deployment: Deployment, project: Project) -> None:
    make_log(deployment)
    deployments.remove_all(project=project)

    assert left() == set()


def test_the_timetable_knows_of_it() -> None:
    assert services.purge in [entry.run for entry in TIMETABLE]
