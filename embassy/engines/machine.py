"""What this machine has for engines. Sizes in bytes."""

import os
import subprocess
from pathlib import Path
from typing import Any

from embassy.engines.server.build import is_cpu_build

# Of the machine's memory, for engines; the rest is for training, the stores and everything else.
SHARE = 0.6
_CGROUPS = Path("/sys/fs/cgroup")
_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")  # of version 2 and 1
_QUERY = ("nvidia-smi", "--query-gpu=index,name,memory.total", "--format=csv,noheader,nounits")
_MIB = 1024**2


def default_budget() -> int:
    return int(memory_total() * SHARE)


def memory_total() -> int:
    """Of the machine, or what our control group may take of it."""
    limits = (_limit(_CGROUPS / name) for name in _LIMITS)
    return min([_physical(), *(limit for limit in limits if limit)])


def serves_on_gpus() -> bool:
    return not is_cpu_build()


def gpus() -> list[dict[str, Any]]:
    """Raises OSError without the driver's tool, SubprocessError or ValueError where it fails."""
    told = subprocess.run(_QUERY, capture_output=True, text=True, timeout=30, check=True).stdout
    return visible(parse_gpus(told), os.environ.get("CUDA_VISIBLE_DEVICES"))


def parse_gpus(told: str) -> list[dict[str, Any]]:
    """From lines of index, name and MiB."""
    rows = [line.split(", ") for line in told.splitlines() if line.strip()]
    return [{"index": int(row[0]), "name": row[1], "memory_bytes": int(row[-1]) * _MIB} for row in rows]


def visible(found: list[dict[str, Any]], allowed: str | None) -> list[dict[str, Any]]:
    """Those that CUDA_VISIBLE_DEVICES names by index; all where it is not set."""
    if allowed is None:
        return found
    names = {name.strip() for name in allowed.split(",")}
    return [gpu for gpu in found if str(gpu["index"]) in names]


def _physical() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return None if text == "max" else int(text)
