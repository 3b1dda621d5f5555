"""Limits kept in step through a real Redis, and without it."""

import itertools
import time

import pytest
from pytest_django import Settings

from embassy.inference.limits import sharing
from embassy.inference.limits.bucket import Bucket
from embassy.inference.limits.sharing import Sharing

_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    return f"embassy:limit:test-{time.time_ns()}-{next(_numbers)}:requests"


async def test_two_learn_of_each_other(name: str) -> None:
    one, other = Bucket(60), Bucket(60)
    one.put(time.monotonic(), 20)
    other.put(time.monotonic(), 10)
    for bucket in (one, other, one):
        here = Sharing()
        await here.exchange({name: bucket})
        await here.close()

    now = time.monotonic()
    assert one.backlog(now) == pytest.approx(30, abs=5)
    assert other.backlog(now) == pytest.approx(one.backlog(now), abs=1)


async def test_several_buckets_in_one_go(name: str) -> None:
    buckets = {f"{name}:{number}": Bucket(60) for number in range(3)}
    for number, bucket in enumerate(buckets.values()):
        bucket.put(time.monotonic(), 10 * number)
    here, fresh = Sharing(), {key: Bucket(60) for key in buckets}

    await here.exchange(buckets)
    await here.exchange(fresh)
    await here.exchange({})
    await here.close()

    backlogs = [bucket.backlog(time.monotonic()) for bucket in fresh.values()]
    assert backlogs == pytest.approx([0, 10, 20], abs=5)


async def test_alone_while_redis_is_away(
    name: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sharing, "SHARE_S", 0.0)
    right, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    here, bucket, fresh = Sharing(), Bucket(60), Bucket(60)
    bucket.put(time.monotonic(), 60)

    await here.exchange({name: bucket})
    await here.exchange({name: bucket})
    assert bucket.wait(time.monotonic()) > 0
    assert [record.message for record in caplog.records] == ["limits.alone"]

    settings.REDIS_URL = right
    await here.exchange({name: bucket})
    await here.exchange({name: fresh})
    await here.close()
    assert fresh.backlog(time.monotonic()) == pytest.approx(bucket.backlog(time.monotonic()), abs=1)
