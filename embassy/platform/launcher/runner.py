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


class Ended(Exception):
    """The service's process is gone; the message says how."""


class GaveUp(Exception):
    """The service keeps failing; the message says how."""


@dataclass
class Failures:
    """Counts failures in a row and says how long to wait before the next attempt.

    Three starts in a row that never became ready are too many, and so are eight short lives.
    """

    starts: int = 3
    short_lives: int = 8
    long_life_s: float = 10.0
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

    def __init__(self, service: Service, home: Home, terminal: Terminal) -> None:
        self.service = service
        self.ready = asyncio.Event()
        self.stopped = asyncio.Event()
        self._home = home
        self._terminal = terminal
        self._failures = Failures()
        self._log = LogFile(home.log(service.name))
        self._child: Child | None = None

    async def live(self) -> None:
        """Start the service, and again whenever it ends; a oneshot only once. Raises GaveUp."""
        while True:
            began = time.monotonic()
            try:
                await self._live_once(began)
                return
            except Ended as end:
                if self.service.oneshot:
                    raise GaveUp(f"{self.service.name} failed ({end}); see {self._log.path}") from None
                await self._clear()
                await self._pause(str(end), time.monotonic() - began)

    async def stop(self, hurry: asyncio.Event) -> None:
        """End the process and what it left behind."""
        self.ready.clear()
        if child := self._child:
            await child.stop(self.service.stop, hurry)
            await asyncio.to_thread(sweep, strays(self._home.path, self.service.name, child.pid))
            await child.drained(_DRAIN_S)
        self._log.close()
        self.stopped.set()

    def forgive(self) -> None:
        """Forget how often it failed."""
        self._failures = Failures()

    def tail(self) -> list[str]:
        """The end of the service's log."""
        return tail(self._log.path, _TAIL_LINES)

    async def _live_once(self, began: float) -> None:
        """One life of the process. Returns when a oneshot ended well; raises Ended in every other case."""
        child = await self._start()
        await (_finish(child) if self.service.oneshot else self._become_ready(child))
        word = "done" if self.service.oneshot else "ready"
        self._terminal.good(self.service.name, f"{word} in {time.monotonic() - began:.1f} s")
        self.ready.set()
        if not self.service.oneshot:
            raise Ended(_how(await child.exited()))

    async def _start(self) -> Child:
        mark = marks.mark(self._home.path, self.service.name)
        try:
            await asyncio.to_thread(self.service.before)
            self._child = start_child(self.service, mark, self._take_line)
        except OSError as error:
            raise Ended(str(error)) from None
        return self._child

    async def _become_ready(self, child: Child) -> None:
        deadline = time.monotonic() + self.service.start_seconds
        while reason := await self._why_not_ready():
            if time.monotonic() > deadline:
                await child.stop(self.service.stop, asyncio.Event())
                raise Ended(f"not ready after {self.service.start_seconds:g} s: {reason}")
            if child.code is not None:
                break
            await asyncio.sleep(_PROBE_PAUSE_S)
        # Whoever answered the probe, it was not a process that is dead.
        if child.code is not None:
            raise Ended(_how(child.code))

    async def _why_not_ready(self) -> str:
        try:
            await self.service.ready()
        except NotReady as reason:
            return str(reason) or "it does not say why"
        return ""

    async def _clear(self) -> None:
        """End what a dead process left behind, so that the next one does not meet it."""
        child, self._child = self._child, None
        if child is None:
            return
        if not self.service.keeps_descendants:
            count = await asyncio.to_thread(sweep, strays(self._home.path, self.service.name, child.pid))
            if count:
                self._terminal.note(self.service.name, f"ended {count} of its processes that were left over")
        await child.drained(_DRAIN_S)

    async def _pause(self, trouble: str, lived: float) -> None:
        try:
            pause = self._failures.count(was_ready=self.ready.is_set(), lived_s=lived)
        except GaveUp:
            raise GaveUp(f"{self.service.name} keeps failing ({trouble}); see {self._log.path}") from None
        self.ready.clear()
        self._terminal.warn(self.service.name, f"{trouble}; starting again in {pause:.1f} s")
        await asyncio.sleep(pause)

    def _take_line(self, line: bytes) -> None:
        self._log.write(line)
        text = line.decode(errors="replace")
        self._terminal.output(self.service.name, text, shown=self.service.shown, calm=self.ready.is_set())


async def _finish(child: Child) -> None:
    """Wait for a oneshot, and for its last lines. Raises Ended unless it ended well."""
    code = await child.exited()
    await child.drained(_DRAIN_S)
    if code != 0:
        raise Ended(_how(code))


def _how(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exited with code {code}"
