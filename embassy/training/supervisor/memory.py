"""Training that needed more memory than there is: how to tell, and what to try instead."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CGROUPS = Path("/sys/fs/cgroup")
VMSTAT = Path("/proc/vmstat")


class OomKills:
    """Counts the processes that the kernel has killed for want of memory, from now on.

    In our own control group, to which children belong as well; where that cannot be read, on this machine.
    """

    def __init__(self) -> None:
        self._before = oom_kills()

    def rose(self) -> bool:
        now = oom_kills()
        return now is not None and self._before is not None and now > self._before


def oom_kills() -> int | None:
    for path in (*_cgroup_files(), VMSTAT):
        if (count := _counter(path)) is not None:
            return count
    return None


def _cgroup_files() -> Iterator[Path]:
    """Where the count of our control group may be: of version 2 or 1, seen from the host or from inside."""
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            yield from (CGROUPS / path.lstrip("/") / "memory.events", CGROUPS / "memory.events")
        elif controllers == "memory":
            root = CGROUPS / "memory"
            yield from (root / path.lstrip("/") / "memory.oom_control", root / "memory.oom_control")


def _counter(path: Path) -> int | None:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


@dataclass(frozen=True)
class Batch:
    """Rows computed at a time, and how many times before each step."""

    rows: int
    times: int

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "Batch":
        return cls(
            int(parameters["per_device_train_batch_size"]), int(parameters["gradient_accumulation_steps"])
        )

    def halved(self) -> "Batch | None":
        """At most half the rows at a time, and as many in a step as before; None for a single row."""
        rows = next((size for size in range(self.rows // 2, 0, -1) if self.rows % size == 0), None)
        return Batch(rows, self.times * self.rows // rows) if rows else None


def with_smaller_batch(parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """The parameters with half the batch and twice the accumulation: the steps stay. None: it is one row.

    Evaluation computes no gradients, but counts as well: its batch is made no larger than that.
    """
    smaller = Batch.of(parameters).halved()
    if smaller is None:
        return None
    evaluation = int(parameters.get("per_device_eval_batch_size") or smaller.rows)
    return {
        **parameters,
        "per_device_train_batch_size": smaller.rows,
        "gradient_accumulation_steps": smaller.times,
        "per_device_eval_batch_size": min(evaluation, smaller.rows),
    }


def advice(parameters: Mapping[str, Any]) -> str:
    """What a user can do about it, as one sentence."""
    ways = [f"lower max_length (now {parameters['max_length']})"] if "max_length" in parameters else []
    if int(parameters.get("per_device_train_batch_size") or 1) > 1:
        ways.insert(0, "lower per_device_train_batch_size")
    if int(parameters.get("num_generations") or 0) > 2:
        ways.append("lower num_generations or max_completion_length")
    if parameters.get("gradient_checkpointing") is False:
        ways.append("set gradient_checkpointing")
    if parameters.get("load_in_4bit") is False and not parameters.get("full_fine_tuning"):
        ways.append("set load_in_4bit")
    *first, last = ways or ["train on a machine with more memory"]
    sentence = f"{', '.join(first)}, or {last}" if first else last
    return f"{sentence[0].upper()}{sentence[1:]}."
