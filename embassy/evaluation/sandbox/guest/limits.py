"""Resource limits of the process itself."""

import os
import resource
from collections.abc import Mapping


def apply(limits: Mapping[str, int]) -> None:
    """Take `memory_bytes`, `file_bytes`, `cpu_seconds`, `open_files` and `threads` as hard limits."""
    wanted = {
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_NPROC: _threads_of_user() + limits["threads"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        _, ceiling = resource.getrlimit(kind)
        value = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
        resource.setrlimit(kind, (value, value))


def _threads_of_user() -> int:
    """The kernel counts every thread of the user, so those that run already come on top of the limit.

    In a user namespace of its own there is nothing to count, and no /proc to count it in.
    """
    try:
        processes = [entry for entry in os.listdir("/proc") if entry.isdigit()]
    except FileNotFoundError:
        return 0
    return sum(_threads_of(f"/proc/{process}") for process in processes)


def _threads_of(folder: str) -> int:
    try:
        return len(os.listdir(f"{folder}/task")) if os.stat(folder).st_uid == os.getuid() else 0
    except OSError:  # it ended meanwhile
        return 0
