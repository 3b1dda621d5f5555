"""One running process of a service: started so that it cannot outlive us, followed and stopped."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Mapping
from typing import IO

from embassy.platform.launcher import kernel
from embassy.platform.launcher.service import Service, StopSteps

_CHUNK_BYTES = 65536
_LONGEST_LINE_BYTES = 1024 * 1024
_HURRIED_S = 1.0

Sink = Callable[[bytes], None]


class Child:
    """A started process. Create it with `start_child`, on the main thread."""

    def __init__(self, process: subprocess.Popen[bytes], output: IO[bytes], sink: Sink) -> None:
        self.pid = process.pid
        self._process = process
        self._gone = asyncio.Event()
        self._watch()
        self._pump = asyncio.create_task(_pump(output, sink))

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.returncode

    async def exited(self) -> int:
        """Wait for the process itself; its descendants may hold its output open for longer."""
        await self._gone.wait()
        return self._process.wait()

    async def stop(self, steps: StopSteps, hurry: asyncio.Event) -> None:
        """Send the signals one after the other until the process is gone; `hurry` shortens each wait."""
        for number, patience in steps:
            if self._gone.is_set():
                break
            self._process.send_signal(number)
            await self._wait(patience, hurry)

    async def drained(self, seconds: float) -> None:
        """Wait for the rest of its output, which a surviving descendant may hold open; then let go."""
        await asyncio.wait({self._pump}, timeout=seconds)
        self._pump.cancel()

    async def _wait(self, seconds: float, hurry: asyncio.Event) -> None:
        gone = asyncio.create_task(self._gone.wait())
        hurried = asyncio.create_task(hurry.wait())
        await asyncio.wait({gone, hurried}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not self._gone.is_set() and hurry.is_set():
            await asyncio.wait({gone}, timeout=min(seconds, _HURRIED_S))
        for task in (gone, hurried):
            task.cancel()

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        handle = os.pidfd_open(self.pid)

        def ended() -> None:
            loop.remove_reader(handle)
            os.close(handle)
            self._process.wait()
            self._gone.set()

        loop.add_reader(handle, ended)


def start_child(service: Service, mark: Mapping[str, str], sink: Sink) -> Child:
    """Start the service's program, with `mark` in its environment; `sink` gets each line that it writes.

    The kernel sends it the first stop signal when our thread dies: call this on the main one.
    """
    account = service.account
    process = subprocess.Popen(
        service.argv,
        env={**service.env, **mark},
        cwd=service.cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        umask=0o077,
        start_new_session=True,
        preexec_fn=kernel.dying_with_parent(service.stop[0][0]),
    )
    assert process.stdout is not None
    return Child(process, process.stdout, sink)


async def _pump(output: IO[bytes], sink: Sink) -> None:
    """Hand every line to `sink`; a line beyond a megabyte comes in pieces."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), output
    )
    rest = b""
    try:
        while chunk := await reader.read(_CHUNK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LONGEST_LINE_BYTES:
                lines, rest = [*lines, rest], b""
            for line in lines:
                sink(line.rstrip(b"\r"))
    finally:
        if rest:
            sink(rest)
        transport.close()
