"""The GPU of an engine that sleeps is free for others, and only what is free is taken back."""

from typing import Any

import pytest

from embassy.engines import hosts, queue, services
from embassy.engines.models import Engine, Host
from tests.factories.deployments import BASE, ago, make_engine, run_engine

pytestmark = pytest.mark.django_db

GB = 1000**3


@pytest.fixture
def host() -> Host:
    """With two GPUs of 80 GB."""
    gpus = [{"index": index, "name": "GPU", "memory_bytes": 80 * GB} for index in (0, 1)]
    values: dict[str, Any] = {"address": "127.0.0.1", "memory_bytes": 500 * GB, "gpus": gpus, "slots": 8}
    return Host.objects.create(name="gpu-host", seen_at=ago(0), **values)


@pytest.fixture
def engine(host: Host) -> Engine:
    """It sleeps; awake it needs 40 GB of the first GPU."""
    engine = run_engine(make_engine())
    columns = {"host_name": host.name, "need_bytes": 40 * GB, "gpus": [0], "sleep_level": 1}
    Engine.objects.filter(pk=engine.pk).update(**columns)
    engine.refresh_from_db()
    return engine


def free(host: Host) -> list[int]:
    return [gpu.free for gpu in hosts.room_of(host).gpus]


def test_it_keeps_little_of_its_gpu(host: Host, engine: Engine) -> None:
    empty = [gpu.free for gpu in hosts.empty_room(host).gpus]
    assert free(host) == [empty[0] - hosts.ASLEEP_BYTES, empty[1]]
    assert not engine.routable

    assert queue.take_back(engine=engine, token=engine.lease_token)

    assert free(host) == [empty[0] - 40 * GB, empty[1]]
    engine.refresh_from_db()
    assert (engine.sleep_level, engine.draining, engine.routable) == (0, True, False)


def test_what_others_have_is_not_taken(host: Host, engine: Engine) -> None:
    other = services.ensure_engine(base_model=BASE, task_type="text-generation", rank=64)
    columns = {"host_name": host.name, "need_bytes": 50 * GB, "gpus": [0], "lease_until": ago(-60)}
    Engine.objects.filter(pk=other.pk).update(**columns)

    assert not queue.take_back(engine=engine, token=engine.lease_token)
    engine.refresh_from_db()
    assert engine.sleep_level == 1


def test_nothing_is_taken_for_a_run_that_is_over(engine: Engine) -> None:
    assert not queue.take_back(engine=engine, token=engine.lease_token - 1)
