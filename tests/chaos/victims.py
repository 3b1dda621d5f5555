"""What is killed, and how: always with -9, and never with a word to anybody."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from tests.chaos.arena import Arena
from tests.chaos.traffic import Away
from tests.e2e.live import ENGINE, LivePlatform

PAUSE_S = (2.5, 6.0)  # between two kills
NAP_S = (6.0, 14.0)  # between two times that the organization's own engine is put to sleep
WARDEN = "warden"


def engines_of(platform: LivePlatform) -> list[psutil.Process]:
    """The process of each engine that its warden started; what that has started itself is not among them."""
    return [p for p in platform.leftovers() if _name(p) == ENGINE and _name(_parent(p)) == WARDEN]


def cores_of(platform: LivePlatform) -> list[psutil.Process]:
    """What the engines' own processes have started: there their models run."""
    return [p for p in platform.leftovers() if _name(p) == _name(_parent(p)) == ENGINE]


def main_of(platform: LivePlatform, service: str) -> list[psutil.Process]:
    """The process that the launcher started for the service."""
    return [p for p in platform.leftovers() if platform.service_of(p) == service and _is_top(platform, p)]


def _is_top(platform: LivePlatform, process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        parent = process.parent()
        return parent is None or platform.service_of(parent) != platform.service_of(process)
    return False


def _parent(process: psutil.Process) -> psutil.Process | None:
    with suppress(psutil.NoSuchProcess):
        return process.parent()
    return None


def _name(process: psutil.Process | None) -> str:
    with suppress(psutil.NoSuchProcess):
        return process.name() if process is not None else ""
    return ""


@dataclass
class Killer:
    """`order` is what was killed, and when (seconds from the start)."""

    platform: LivePlatform
    chance: random.Random
    away: Away
    order: list[tuple[float, str]] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    @property
    def counts(self) -> Counter[str]:
        return Counter(victim for _, victim in self.order)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self.chance.uniform(*PAUSE_S))
            await self.kill(self.chance.choice(AT_RANDOM))

    async def kill(self, victim: str) -> None:
        processes = await asyncio.to_thread(VICTIMS[victim], self.platform)
        if victim in ONE_OF_MANY and processes:
            processes = [self.chance.choice(processes)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if processes:
            self.order.append((round(time.monotonic() - self._began, 1), victim))

    async def kill_web(self) -> None:
        began = time.monotonic()
        self.away.spans.append((began, float("inf")))
        await self.kill(WEB)
        while not await asyncio.to_thread(self.platform.is_ready):
            await asyncio.sleep(0.1)
        self.away.spans[-1] = (began, time.monotonic())


def whole(service: str) -> Callable[[LivePlatform], list[psutil.Process]]:
    return lambda platform: [p for p in platform.leftovers() if platform.service_of(p) == service]


WEB = "web"
VICTIMS: dict[str, Callable[[LivePlatform], list[psutil.Process]]] = {
    "an engine": engines_of,
    "an engine's core": cores_of,
    "the engines' standby": lambda platform: main_of(platform, "standby-engines"),
    "the engines' worker": whole("worker-engines"),
    "control worker": whole("worker-control"),
    "redis": whole("valkey"),
    "scheduler": whole("scheduler"),
    WEB: whole("web"),
}
ONE_OF_MANY = ("an engine", "an engine's core")
AT_RANDOM = [victim for victim in VICTIMS if victim != WEB]  # that one has its own time


async def lull(arena: Arena, chance: random.Random) -> None:
    """Put the organization's own engine to sleep now and then; the next request wakes it."""
    while True:
        await asyncio.sleep(chance.uniform(*NAP_S))
        await asyncio.to_thread(arena.put_to_sleep)
