"""How long one request is willing to wait, and what it has been through."""

import asyncio
import random
import time
from dataclasses import dataclass

from embassy.inference.herald import NOBODY, Herald

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0


@dataclass(slots=True)
class Patience:
    """`deadline` is on the monotonic clock. `was_held`: its model was not up when it came."""

    deadline: float
    herald: Herald = NOBODY
    was_held: bool = False
    _pause: float = FIRST_PAUSE_S

    @property
    def left(self) -> float:
        """Seconds; none or less: it is over."""
        return self.deadline - time.monotonic()

    async def pause(self) -> None:
        """Before another try at an engine that has too much to do; each at its own time, and ever longer."""
        seconds = self._pause * random.uniform(0.5, 1.5)  # noqa: S311 - nothing is secret about it
        await asyncio.sleep(min(max(0.0, self.left), seconds))
        self._pause = min(LONGEST_PAUSE_S, 2 * self._pause)
