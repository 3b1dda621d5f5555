"""What this machine can do, as far as its kernel tells. Pure; sizes in bytes."""

from __future__ import annotations

import os
from pathlib import Path

_UNLIMITED = 1 << 62


def memory_total() -> int:
    return min(_meminfo("MemTotal"), _cgroup("memory.max"))


def memory_available() -> int:
    """What can still be taken: on the host, or in the control group of this process."""
    limit = _cgroup("memory.max")
    left = limit if limit == _UNLIMITED else max(0, limit - _cgroup("memory.current"))
    return min(_meminfo("MemAvailable"), left)


def cpu_has_bf16() -> bool:
    """Without these instructions bfloat16 is emulated, several times slower than fp32."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    return "avx512_bf16" in flags or "amx_bf16" in flags


def cores() -> int:
    return len(os.sched_getaffinity(0))


def _meminfo(key: str) -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if name == key:
            return int(rest.split()[0]) * 1024
    raise KeyError(key)


def _cgroup(name: str) -> int:
    try:
        text = (Path("/sys/fs/cgroup") / name).read_text(encoding="ascii").strip()
    except OSError:
        return _UNLIMITED
    return _UNLIMITED if text == "max" else int(text)
