"""Whether a server that runs also answers: a process may be there and do nothing any more."""

import time
from pathlib import Path

from embassy.engines.client import EngineClient

EVERY_S = 5.0
# Each takes up to five seconds where nobody answers, so a frozen server is found out within 25.
SICK_CHECKS = 4
# The core may be busy with one long step, such as the prompts of many; then it hears nothing meanwhile.
CORE_SILENT_S = 120.0


class Pulse:
    def __init__(self, client: EngineClient, pid: int) -> None:
        self._client = client
        self._pid = pid
        self._sick = 0
        self._looked_at = time.monotonic()
        self._silent_since: float | None = None

    def failure(self) -> str:
        """Why it counts as dead, as a sentence. Empty: it lives, or it is not yet time to look again."""
        now = time.monotonic()
        if now - self._looked_at < EVERY_S:
            return ""
        self._looked_at = now
        if is_stopped(self._pid) or not self._client.is_healthy():
            self._sick += 1
        else:
            self._sick = 0
            self._look_at_core(now)
        if self._sick >= SICK_CHECKS:
            return "The engine runs but no longer answers."
        if self._silent_since is not None and now - self._silent_since > CORE_SILENT_S:
            return "The engine takes requests but no longer works on them."
        return ""

    def _look_at_core(self, now: float) -> None:
        if self._client.is_alive():
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = now


def is_stopped(pid: int) -> bool:
    """Whether this process or one that it began was halted by a signal."""
    return _state(pid) in ("T", "t") or any(is_stopped(child) for child in _children(pid))


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
