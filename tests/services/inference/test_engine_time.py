"""Engine time in the usage of what was deployed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from embassy.deployments import services as deployments
from embassy.deployments.models import Deployment
from embassy.engines.models import EngineRun
from embassy.inference import engine_time, services
from embassy.inference.models import Usage
from embassy.platform.actor import Actor
from embassy.platform.models import Event
from tests.factories.deployments import make_deployment, make_engine, run_engine, up

pytestmark = pytest.mark.django_db

# In the middle of an hour, so that a run of some minutes is one row.
NOON = timezone.now().replace(minute=30, second=0, microsecond=0) - timedelta(days=1)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def deployment(actor: Actor) -> Iterator[Deployment]:
    """Deployed at 0, on an engine that is active from 0."""
    deployment = up(make_deployment(actor=actor))
    Event.objects.filter(subject=deployment.public_id).update(created_at=at(0))
    EngineRun.objects.update(active_at=at(0))
    return deployment


def end_run(seconds: float) -> None:
    EngineRun.objects.update(ended_at=at(seconds))


def milliseconds(deployment: Deployment) -> int:
    return sum(
        Usage.objects.filter(deployment_pk=deployment.pk).values_list("engine_milliseconds", flat=True)
    )


def test_all_of_it_for_one_alone(deployment: Deployment) -> None:
    end_run(120)
    engine_time.share_out()
    row = Usage.objects.get()
    assert (row.deployment_pk, row.project_pk, row.key_pk) == (deployment.pk, deployment.project_id, None)
    assert (row.model, row.engine_milliseconds) == (deployment.name, 120_000)


def test_counting_again_adds_nothing(deployment: Deployment) -> None:
    end_run(120)
    for _ in range(3):
        engine_time.share_out()
    assert milliseconds(deployment) == 120_000


def test_a_run_that_goes_on_is_counted_bit_by_bit(deployment: Deployment) -> None:
    engine_time.share_out()
    counted = EngineRun.objects.get().counted_until
    assert counted is not None
    end_run((counted - NOON).total_seconds() + 10)
    before = milliseconds(deployment)
    engine_time.share_out()
    assert milliseconds(deployment) - before == 10_000


def test_two_share_while_both_are_deployed(deployment: Deployment, actor: Actor) -> None:
    other = make_deployment(actor=actor)
    assert other.engine_id == deployment.engine_id
    Event.objects.create(subject=other.public_id, kind="deployment", target="Deployed")
    Event.objects.filter(subject=other.public_id).update(created_at=at(60))
    end_run(120)
    engine_time.share_out()
    assert (milliseconds(deployment), milliseconds(other)) == (90_000, 30_000)


def test_time_after_it_was_put_to_sleep_is_nobodys(deployment: Deployment, actor: Actor) -> None:
    deployments.deactivate(deployment=deployment, actor=actor)
    Event.objects.filter(subject=deployment.public_id, target="Deactivated").update(created_at=at(40))
    end_run(120)
    engine_time.share_out()
    assert milliseconds(deployment) == 40_000


def test_a_deleted_deployment_pays_for_its_time(deployment: Deployment, actor: Actor) -> None:
    deployments.delete_deployment(deployment=deployment, actor=actor)
    Event.objects.filter(subject=deployment.public_id, target="Terminated").update(created_at=at(50))
    end_run(120)
    engine_time.share_out()
    assert milliseconds(deployment) == 50_000


def test_time_belongs_to_the_hour_in_which_it_passed(deployment: Deployment) -> None:
    end_run(3600)  # from half past to half past
    engine_time.share_out()
    assert list(Usage.objects.order_by("hour").values_list("engine_milliseconds", flat=True)) == [
        1_800_000,
        1_800_000,
    ]


def test_what_cannot_be_written_is_counted_the_next_time(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_run(120)

    def die(**_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(services, "add_usage", die)
        with pytest.raises(KeyboardInterrupt):
            engine_time.share_out()
    assert EngineRun.objects.get().counted_until is None
    engine_time.share_out()
    assert milliseconds(deployment) == 120_000


def test_an_engine_with_nothing_on_it_counts_for_nobody() -> None:
    run_engine(make_engine())
    EngineRun.objects.update(active_at=at(0), ended_at=at(10))
    engine_time.share_out()
    assert not Usage.objects.exists()
    assert EngineRun.objects.get().counted_until == at(10)
