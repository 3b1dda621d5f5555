"""Starts the services in order, keeps them running, and stops them in the reverse order."""

import asyncio
import os
from collections.abc import Iterable

from embassy.platform.launcher import processes
from embassy.platform.launcher.errors import LaunchError
from embassy.platform.launcher.home import Home
from embassy.platform.launcher.runner import GaveUp, Runner
from embassy.platform.launcher.service import Service
from embassy.platform.launcher.sweep import descendants, sweep
from embassy.platform.launcher.terminal import Terminal

_REAP_PAUSE_S = 2.0


class Supervisor:
    """Runs a service table until it is asked to stop or an essential service gives up."""

    def __init__(self, services: Iterable[Service], home: Home, terminal: Terminal) -> None:
        self._runners = {s.name: Runner(s, home, terminal) for s in services}
        self._home = home
        self._terminal = terminal
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    def request_stop(self) -> None:
        """Stop in order; when asked again, at once."""
        if self._stop.is_set():
            self._terminal.warn("embassy", "stopping at once")
            self._hurry.set()
        else:
            self._terminal.note("embassy", "stopping (Ctrl-C again: at once)")
        self._stop.set()

    async def ready(self, names: Iterable[str]) -> None:
        """Wait until these services are ready; those that are not in the table count as ready."""
        await asyncio.gather(*(self._runners[name].ready.wait() for name in names if name in self._runners))

    async def ready_for_requests(self) -> None:
        """Wait until everything is ready that is not marked as lazy."""
        await self.ready(name for name, runner in self._runners.items() if not runner.service.lazy)

    async def run(self) -> int:
        """Returns the exit code: 0 after a requested stop, 1 after a failure."""
        reaper = asyncio.create_task(_reap_adopted())
        lives = {asyncio.create_task(self._keep(runner)) for runner in self._runners.values()}
        try:
            failure = await self._failure_or_stop(lives)
            if failure:
                self._terminal.bad("embassy", f"{failure}. Stopping.")
        finally:
            await self._end(lives)
            reaper.cancel()
        return 1 if failure else 0

    async def _keep(self, runner: Runner) -> None:
        await self.ready(runner.service.needs)
        if runner.service.lazy:  # its imports would slow down everybody's start
            await self.ready_for_requests()
        while not await self._lives(runner):
            await asyncio.sleep(runner.service.rest_s)
            runner.forgive()

    async def _lives(self, runner: Runner) -> bool:
        """The whole life of a service; False: it was given up for now. Raises GaveUp for an essential one."""
        try:
            await runner.live()
            return True
        except GaveUp as reason:
            if not runner.service.shown:
                self._terminal.bad(runner.service.name, "the end of its log:")
                self._terminal.block([f"      {line}" for line in runner.tail()])
            if runner.service.essential:
                raise
            self._terminal.bad(
                runner.service.name,
                f"{reason}. The platform goes on without it, and tries again in {runner.service.rest_s:g} s.",
            )
            return False

    async def _failure_or_stop(self, lives: set[asyncio.Task[None]]) -> Exception | None:
        """Wait until a stop is wanted (None) or a life ends in a failure."""
        stop = asyncio.create_task(self._wait_for_stop())
        pending = {stop, *lives}
        while stop in pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                error = ended.exception()
                if isinstance(error, GaveUp | LaunchError):
                    stop.cancel()
                    return error
                if error:
                    raise error
        return None

    async def _wait_for_stop(self) -> None:
        await self._stop.wait()

    async def _end(self, lives: set[asyncio.Task[None]]) -> None:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        await asyncio.gather(*(self._end_one(runner) for runner in self._runners.values()))
        await asyncio.to_thread(sweep, descendants(self._home.path))

    async def _end_one(self, runner: Runner) -> None:
        for user in self._users(runner.service):
            await user.stopped.wait()
        await runner.stop(self._hurry)

    def _users(self, service: Service) -> list[Runner]:
        """The runners that must be stopped before `service`."""
        return [
            runner
            for name, runner in self._runners.items()
            if service.name in runner.service.needs or name in service.serves
        ]


async def _reap_adopted() -> None:
    """Collect dead orphans. Ours are collected as they die, so a zombie seen twice is none of them."""
    before: set[int] = set()
    while True:
        now = processes.dead_children(os.getpid())
        for pid in now & before:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue
        before = now
        await asyncio.sleep(_REAP_PAUSE_S)
