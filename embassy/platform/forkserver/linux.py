"""The few Linux process facilities that the standard library does not offer."""

import ctypes
import os
from collections import defaultdict
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, signum: int) -> None:
    """Have the kernel send `signum` to this process when `parent` dies; exit now if it already has."""
    _prctl(_PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own, even if it hid by setsid or double fork."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_process_name(name: str) -> None:
    """Set the name that `ps -o comm` shows; the kernel keeps the first 15 bytes."""
    _prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()))


def thread_count() -> int:
    """Threads of this process as the kernel counts them, those of C libraries included."""
    return len(os.listdir("/proc/self/task"))


def start_time(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None if there is none.

    A pid together with its start time names one process for ever; a pid alone is soon used again.
    """
    fields = _stat_fields(pid)
    return int(fields[19]) if fields else None


def is_running(pid: int, started: int) -> bool:
    """Whether this very process still runs (a zombie does not)."""
    fields = _stat_fields(pid)
    return bool(fields) and int(fields[19]) == started and fields[0] not in "ZX"


def descendants(pid: int) -> list[int]:
    """Pids of all children, grandchildren and so on of a process, zombies included."""
    children = defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _stat_fields(int(entry))):
            children[int(fields[1])].append(int(entry))
    found = list(children[pid])
    for child in found:  # grows while we walk it
        found.extend(children[child])
    return found


def _stat_fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the command name: state, parent, …; empty if there is no such one."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text[text.rindex(")") + 2 :].split()


def _prctl(option: int, value: object) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
