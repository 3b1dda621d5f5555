"""The life of one service: start, wait until ready, watch, restart, give up, stop."""

import asyncio
import signal
import time
from dataclasses import dataclass

from embassy.platform.launcher import marks
from embassy.platform.launcher.child import Child, start_child
from embassy.platform.launcher.errors import NotReady
from embassy.platform.launcher.home import Home
from embassy.platform.launcher.logfile import LogFile, tail
from embassy.platform.launcher.service import Service
from embassy.platform.launcher.sweep import strays, sweep
from embassy.platform.launcher.terminal import Terminal

_PROBE_PAUSE_S = 0.05
_DRAIN_S = 0.5
_TAIL_LINES = 15


class StartFailed(Exception):
    """One attempt to start the service ended badly; the message says how."""


class GaveUp(Exception):
    """The service keeps failing; the message says how."""


@dataclass
class Failures:
    """Counts failures in a row and says how long to wait before the next attempt.

    Three starts in a row that never became ready are too many, and so are eight short lives.
    """

    starts: int = 3
    short_lives: int = 8
    long_life_s: float = 30.0
    longest_pause_s: float = 10.0
    _unready: int = 0
    _short: int = 0

    def count(self, *, was_ready: bool, lived_s: float) -> float:
        """Note one failure. Returns the pause in seconds; raises GaveUp when it was one too many."""
        self._unready = 0 if was_ready else self._unready + 1
        self._short = 0 if lived_s >= self.long_life_s else self._short + 1
        if self._unready >= self.starts or self._short >= self.short_lives:
            raise GaveUp
        return min(self.longest_pause_s, 0.1 * 2.0 ** max(self._short, self._unready))


class Runner:
    """Keeps one service running. `live` is its whole life; `stop` ends it."""

    def __init__(self, service: Service, home: Home, terminal: Terminal, failures: Failures) -> None:
        self.service = service
        self.ready = asyncio.Event()
        self.stopped = asyncio.Event()
        self._home = home
        self._terminal = terminal
        self._failures = failures
        self._log = LogFile(home.log(service.name))
        self._child: Child | None = None
        self._last_answer = ""

    async def live(self) -> None:
        """Start the service and restart it whenever it fails. Returns when a oneshot is done; raises GaveUp."""
        while True:
            began = time.monotonic()
            trouble = await self._run_once(began)
            if trouble is None:
                return
            await self._sweep_strays()
            await self._pause(trouble, time.monotonic() - began)

    async def stop(self, hurry: asyncio.Event) -> None:
        """End the process and what it left behind."""
        if self._child is not None:
            await self._child.stop(self.service.stop, hurry)
            await asyncio.to_thread(sweep, strays(self._home.path, self.service.name, self._child.pid))
            await self._child.drained(_DRAIN_S)
        self._log.close()
        self.stopped.set()

    async def _run_once(self, began: float) -> str | None:
        """One life of the process. Returns what went wrong, None where a oneshot ended well."""
        try:
            await self._start()
        except StartFailed as failure:
            return str(failure)
        self._terminal.good(self.service.name, self._describe(time.monotonic() - began))
        self.ready.set()
        if self.service.oneshot:
            return None
        assert self._child is not None
        return _how(await self._child.exited())

    async def _start(self) -> None:
        try:
            await asyncio.to_thread(self.service.before)
            self._child = start_child(
                self.service, marks.mark(self._home.path, self.service.name), self._take_line
            )
        except OSError as error:
            raise StartFailed(str(error)) from None
        try:
            async with asyncio.timeout(self.service.start_seconds):
                await (self._finish() if self.service.oneshot else self._become_ready())
        except TimeoutError:
            await self._kill()
            raise StartFailed(
                f"not ready after {self.service.start_seconds:g} s{self._last_answer}"
            ) from None

    async def _become_ready(self) -> None:
        assert self._child is not None
        while True:
            try:
                await self.service.ready()
                if self._child.code is None:
                    return
            except NotReady as answer:
                self._last_answer = f": {answer}"
            if self._child.code is not None:
                raise StartFailed(_how(self._child.code))
            await asyncio.sleep(_PROBE_PAUSE_S)

    async def _finish(self) -> None:
        assert self._child is not None
        code = await self._child.exited()
        await self._child.drained(_DRAIN_S)
        if code != 0:
            raise StartFailed(_how(code))

    async def _kill(self) -> None:
        if self._child is not None:
            await self._child.stop(self.service.stop, asyncio.Event())

    async def _sweep_strays(self) -> None:
        """End what a dead process left behind, so that the next one does not meet it."""
        child, self._child = self._child, None
        if child is None:
            return
        if not self.service.keeps_descendants:
            count = await asyncio.to_thread(sweep, strays(self._home.path, self.service.name, child.pid))
            if count:
                self._terminal.note(
                    self.service.name, f"ended {count} left-over process{'es' if count > 1 else ''}"
                )
        await child.drained(_DRAIN_S)

    async def _pause(self, trouble: str, lived: float) -> None:
        try:
            pause = self._failures.count(was_ready=self.ready.is_set(), lived_s=lived)
        except GaveUp:
            raise GaveUp(f"{self.service.name} keeps failing ({trouble}); see {self._log.path}") from None
        self.ready.clear()
        self._terminal.warn(
            self.service.name, f"{trouble}; starting again in {pause:.1f} s ({self._log.path})"
        )
        await asyncio.sleep(pause)

    def tail(self) -> list[str]:
        """The end of the service's log."""
        return tail(self._log.path, _TAIL_LINES)

    def _take_line(self, line: bytes) -> None:
        self._log.write(line)
        self._terminal.output(self.service.name, line.decode(errors="replace"), shown=self.service.shown)

    def _describe(self, seconds: float) -> str:
        return f"{'done' if self.service.oneshot else 'ready'} in {seconds:.1f} s"


def _how(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exited with code {code}"
