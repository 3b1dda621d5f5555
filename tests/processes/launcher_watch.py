"""Conditions that the launcher's tests wait for, and ways to find its processes."""

import sys
from pathlib import Path

from embassy.platform.launcher import processes
from embassy.platform.launcher.sweep import leftovers
from embassy.platform.launcher.testing import output_of
from tests.waiting import wait_for


def wait_for_output(home: Path, text: str) -> str:
    """The launcher's whole output, once `text` is in it."""

    def read() -> str:
        output = output_of(home).read_text()
        return output if text in output else ""

    try:
        return wait_for(read, text)
    except AssertionError:
        raise AssertionError(f"{text!r} is not in: {output_of(home).read_text()}") from None


def remaining(home: Path) -> set[int]:
    """Every process that carries the mark of this home, and its kin."""
    return leftovers(home)(processes.running())


def supervisor_of(launcher: int) -> int:
    """The one child of the process in front."""
    (supervisor,) = (p.pid for p in processes.running().values() if p.parent == launcher)
    return supervisor


def service_pid(home: Path, service: str, name: str) -> int:
    """The first process of a service, or 0: the one of that program whose parent is another program."""
    belongs = processes.marked(home, service)
    table = processes.running()
    found = (p for p in table.values() if p.name == name and belongs(p))
    return next((p.pid for p in found if table[p.parent].name != name), 0)


def grandchildren(home: Path) -> set[int]:
    """The grandchildren of the stand-in tables."""
    argument = f"{home / 'run/grandchild.up'} deaf"
    return {pid for pid in processes.running() if processes.command(pid).endswith(argument)}


def stand_ins(table: str) -> tuple[str, ...]:
    """The command of a launcher with one of the tables in `launcher_stand_ins`."""
    return (sys.executable, "-m", "tests.processes.launcher_stand_ins", table)
