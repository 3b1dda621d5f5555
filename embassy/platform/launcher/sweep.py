"""Ends processes that nobody looks after any more."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from embassy.platform.launcher import processes
from embassy.platform.launcher.processes import Process

GRACE_S = 3.0
_LAST_WAIT_S = 5.0
_PAUSE_S = 0.05
# Postgres reads TERM as "wait until every client has left"; INT and QUIT are its fast and immediate stops.
_POSTGRES = {signal.SIGTERM: signal.SIGINT, signal.SIGKILL: signal.SIGQUIT}

Finder = Callable[[Mapping[int, Process]], set[int]]


def leftovers(home: Path) -> Finder:
    """Finds what an earlier run at `home` left behind: never us, nor a process that we descend from."""

    def find(table: Mapping[int, Process]) -> set[int]:
        belongs = processes.marked(home)
        strays = processes.family(table, {pid for pid, process in table.items() if belongs(process)})
        return strays - processes.ancestors(table, os.getpid())

    return find


def strays(home: Path, service: str, leader: int) -> Finder:
    """Finds what one service left behind, `leader` being the process that the launcher had started for it."""

    def find(table: Mapping[int, Process]) -> set[int]:
        belongs = processes.marked(home, service)
        seeds = {pid for pid, process in table.items() if belongs(process)} | {leader}
        return processes.family(table, seeds) - processes.ancestors(table, os.getpid()) - {leader}

    return find


def descendants(home: Path) -> Finder:
    """Finds every process below this one, and whatever carries the mark of `home`."""

    def find(table: Mapping[int, Process]) -> set[int]:
        ours = {pid for pid, process in table.items() if process.parent == os.getpid()}
        below = processes.family(table, ours)
        return (below | leftovers(home)(table)) - processes.ancestors(table, os.getpid())

    return find


def sweep(find: Finder, *, reap: Callable[[], None] = lambda: None) -> int:
    """Stop everything that `find` finds: TERM, after three seconds KILL. Returns how many there were.

    Blocks until nothing is left; a process that even KILL does not end is given up after five seconds.
    """
    swept: set[int] = set()
    steps = ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, _LAST_WAIT_S / 2), (None, _LAST_WAIT_S / 2))
    for number, patience in steps:
        told: set[int] = set()
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            reap()
            table = processes.running()
            found = find(table)
            if not found:
                return len(swept)
            swept |= found
            _tell((table[pid] for pid in found - told), number)
            told |= found
            time.sleep(_PAUSE_S)
    return len(swept)


def _tell(targets: Iterable[Process], number: signal.Signals | None) -> None:
    for process in targets:
        chosen = number
        if number is not None and process.name == "postgres":
            chosen = _POSTGRES[number]
        try:
            os.kill(process.pid, chosen or signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def reap_all() -> None:
    """Collect every dead child; only for a process that waits for no particular one."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return
