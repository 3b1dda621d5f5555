"""A picture of the running processes, read from /proc."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embassy.platform.launcher import marks

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One process as it was when the picture was taken."""

    pid: int
    name: str
    state: str
    parent: int
    session: int

    @property
    def alive(self) -> bool:
        return self.state not in "ZX"


def _parse(pid: int, stat: str) -> Process:
    # The name stands in parentheses and may itself hold blanks and parentheses.
    name = stat[stat.index("(") + 1 : stat.rindex(")")]
    state, parent, _group, session = stat[stat.rindex(")") + 2 :].split()[:4]
    return Process(pid, name, state, int(parent), int(session))


def read(pid: int) -> Process | None:
    """The process with this id, or None where there is none."""
    try:
        return _parse(pid, (_PROC / str(pid) / "stat").read_text(errors="replace"))
    except (FileNotFoundError, ProcessLookupError):
        return None


def running() -> dict[int, Process]:
    """Every process that this user can see, zombies left out, by id."""
    return {process.pid: process for process in _all() if process.alive}


def dead_children(parent: int) -> set[int]:
    """The zombies that `parent` has not collected."""
    return {process.pid for process in _all() if process.parent == parent and not process.alive}


def _all() -> list[Process]:
    found = (read(int(entry.name)) for entry in _PROC.iterdir() if entry.name.isdigit())
    return [process for process in found if process]


def command(pid: int) -> str:
    """The command line, blank-separated; empty where it cannot be read."""
    try:
        return (
            (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        )
    except OSError:
        return ""


def environment(pid: int) -> dict[str, str]:
    """The environment the process was started with; empty where it cannot be read."""
    try:
        raw = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition(b"=") for entry in raw.split(b"\0"))
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs if name}


def marked(home: Path, service: str | None = None) -> Callable[[Process], bool]:
    """A test for processes of the platform at `home`, of one service only where it is named."""

    def belongs(process: Process) -> bool:
        environ = environment(process.pid)
        return environ.get(marks.HOME) == str(home) and service in (None, environ.get(marks.SERVICE))

    return belongs


def family(table: Mapping[int, Process], seeds: Iterable[int]) -> set[int]:
    """`seeds` with all their descendants and everyone in a session that one of them leads.

    Programs that set their process title (Celery, vLLM) overwrite their own environment and with it the
    mark: kinship still finds them.
    """
    found = set(seeds)
    while True:
        kin = {p.pid for p in table.values() if p.parent in found or p.session in found} - found
        if not kin:
            return found & table.keys()
        found |= kin


def ancestors(table: Mapping[int, Process], pid: int) -> set[int]:
    """`pid` and every process above it."""
    found: set[int] = set()
    while pid in table and pid not in found:
        found.add(pid)
        pid = table[pid].parent
    return found
