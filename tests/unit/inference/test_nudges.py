"""Nudges wake at once, and their absence only costs time."""

import asyncio
import itertools

import pytest
from pytest_django import Settings

from embassy.inference.nudges import Nudges
from embassy.platform import notify

_numbers = itertools.count(1)


@pytest.fixture
def channel() -> str:
    return f"embassy:test-nudges-{next(_numbers)}"


def say(channel: str) -> None:
    with notify.connect() as client:
        client.publish(channel, "")


async def test_a_nudge_wakes_and_a_burst_is_one(channel: str) -> None:
    nudges = Nudges(channel)
    assert await nudges.wait(10)  # newly subscribed: what was said before went unheard
    for _ in range(3):
        say(channel)

    assert await nudges.wait(10)
    assert not await nudges.wait(0.2)
    await nudges.close()


async def test_silence_lasts_as_long_as_asked(channel: str) -> None:
    nudges = Nudges(channel)
    await nudges.wait(10)

    assert not await nudges.wait(0.05)
    await nudges.close()


async def test_without_redis_it_only_waits(channel: str, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    nudges = Nudges(channel)

    assert not await asyncio.wait_for(nudges.wait(0.05), 10)
    await nudges.close()
