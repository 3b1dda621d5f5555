"""Mixed traffic while parts of the platform are killed at random: every request ends, rightly or retryably.

`EMBASSY_CHAOS_SECONDS` says for how long, `EMBASSY_CHAOS_SEED` repeats the order in which things happen.
"""

import asyncio
import os
import random
import secrets
import time
from collections.abc import Iterator

import pytest

from embassy.platform.launcher.testing import temporary_home
from tests.chaos.aftermath import amiss, engines
from tests.chaos.arena import Arena
from tests.chaos.traffic import USERS, Account, is_same, user
from tests.chaos.victims import Killer, lull
from tests.e2e.asking import Question, Said, ask, client_of
from tests.e2e.inside import Inside
from tests.e2e.live import LivePlatform
from tests.waiting import wait_for

SECONDS = float(os.environ.get("EMBASSY_CHAOS_SECONDS") or 30)
SEED = os.environ.get("EMBASSY_CHAOS_SEED") or secrets.token_hex(4)
MENDED_S = 60.0  # half of it is much on a machine with nothing else to do
REVIVED_S = 70.0  # what failed rests for a minute before it is tried again
WEB_DIES_AT = 0.6  # of the whole time

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(int(SECONDS) + 420)]


@pytest.fixture
def arena() -> Iterator[Arena]:
    with temporary_home() as home:
        with LivePlatform(home) as live:
            arena = Arena(live, live.create_project("chaos"))
            arena.build()
            yield arena
            with Inside(home) as inside:
                rows = engines(inside)
        assert live.leftovers() == []
        assert [folder for engine in rows for folder in engine.folders()] == []


def test_every_request_ends_and_everything_comes_back(
    arena: Arena, capsys: pytest.CaptureFixture[str]
) -> None:
    account = Account()
    killer = Killer(arena.platform, random.Random(f"{SEED} kills"), account.away)

    asyncio.run(storm(arena, account, killer))
    with capsys.disabled():
        print(summary(account, killer))
    assert account.wrong == []
    assert account.outcomes["right"] > 0
    with Inside(arena.platform.home) as inside:
        seconds = mended(arena, inside)
        assert asyncio.run(ask_everything(arena)) == []
        mended(arena, inside)

    with capsys.disabled():
        print(f"  all was as wanted {seconds:.1f} s after the last request")


async def storm(arena: Arena, account: Account, killer: Killer) -> None:
    """SECONDS of it, and then until every request that was sent has ended."""
    async with client_of(arena.platform) as session:
        users = [
            asyncio.create_task(user(session, arena, account, random.Random(f"{SEED} user {number}")))
            for number in range(USERS)
        ]
        disasters = [
            asyncio.create_task(killer.run()),
            asyncio.create_task(lull(arena, random.Random(f"{SEED} naps"))),
        ]
        await asyncio.sleep(SECONDS * WEB_DIES_AT)
        await killer.kill_web()
        await asyncio.sleep(SECONDS * (1 - WEB_DIES_AT))
        for task in disasters:
            task.cancel()
        account.is_over = True
        await asyncio.gather(*users)
        # One that ended by itself spared the platform the rest of its time.
        for ended in await asyncio.gather(*disasters, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError), ended


async def ask_everything(arena: Arena) -> list[str]:
    """What is not answered as before, now that all is calm. What sleeps or failed is woken by it."""
    async with client_of(arena.platform) as session:

        async def check(question: Question, expected: Said) -> str:
            deadline = time.monotonic() + REVIVED_S
            while True:
                answer = await ask(session, question)
                if answer.said is not None and is_same(answer.said, expected):
                    return ""
                if answer.said is not None or time.monotonic() > deadline:
                    return f"{question}: {answer}, not {expected!r}"
                await asyncio.sleep(1)

        checks = (
            check(arena.question(model, prompt), expected)
            for model, known in arena.known.items()
            for prompt, expected in known.items()
        )
        return [fault for fault in await asyncio.gather(*checks) if fault]


def mended(arena: Arena, inside: Inside) -> float:
    """How many seconds it took until everything was as it is wanted."""
    began, faults = time.monotonic(), [""]

    def nothing_amiss() -> bool:
        faults[:] = amiss(arena.platform, inside)
        return not faults

    try:
        wait_for(nothing_amiss, "everything to be mended", seconds=MENDED_S)
    except AssertionError as error:
        raise AssertionError(f"{error} (seed {SEED}): " + "; ".join(faults)) from None
    return time.monotonic() - began


def summary(account: Account, killer: Killer) -> str:
    lines = [f"\nchaos: {SECONDS:g} s, seed {SEED}, {sum(account.outcomes.values())} requests"]
    lines += [f"  {count:6} {outcome}" for outcome, count in account.outcomes.most_common()]
    lines += [f"  {count:6} × {kind}" for kind, count in sorted(account.by_kind.items())]
    seconds, what = account.longest
    lines += [f"  longest: {seconds:.1f} s ({what})"]
    lines += [f"  killed {len(killer.order)}: " + ", ".join(f"{n} × {v}" for v, n in killer.counts.items())]
    lines += ["  " + ", ".join(f"{at:g} {victim}" for at, victim in killer.order)]
    return "\n".join(lines)
