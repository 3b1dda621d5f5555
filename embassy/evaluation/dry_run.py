"""Try a function on a few rows while somebody waits for the answer."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from embassy.evaluation import confinement
from embassy.evaluation.functions import ResolvedFunction, Row, Score
from embassy.evaluation.sandbox.sandbox import SandboxUnavailable
from embassy.evaluation.scoring import DIGITS
from embassy.evaluation.user_function import UserFunction
from embassy.platform.errors import TooManyRequests, Unavailable

# Of all rows together. Rows for which no time is left are not tried.
BUDGET_S = 30.0
# At a time in this process: each may use a processor and as much memory as the settings allow.
AT_A_TIME = 2
_QUEUE_S = 10.0

_slots = threading.BoundedSemaphore(AT_A_TIME)


@dataclass(frozen=True)
class DryRun:
    name: str
    scores: list[Score]
    seconds: float
    sandbox: str

    @property
    def mean(self) -> float:
        return round(sum(score.value or 0.0 for score in self.scores) / max(1, len(self.scores)), DIGITS)


def run(function: ResolvedFunction, rows: Sequence[Row]) -> DryRun:
    """Raises Unavailable where user code cannot be confined, TooManyRequests if too many ask at once."""
    began = time.monotonic()
    if isinstance(function, UserFunction):
        with _slot():
            scores = _scores(function, rows, began + BUDGET_S)
    else:
        scores = function.score(rows)
    sandbox = confinement.sandbox_strength().level
    return DryRun(function.name, scores, round(time.monotonic() - began, DIGITS), sandbox)


def _scores(function: UserFunction, rows: Sequence[Row], deadline: float) -> list[Score]:
    scores: list[Score] = []
    try:
        for score in function.each_score(rows):
            scores.append(score)
            if time.monotonic() > deadline:
                break
    except SandboxUnavailable as error:
        raise Unavailable(str(error), retry_after=60, code="sandbox_unavailable") from None
    left = Score(None, f"not tried: the rows before took {BUDGET_S:g} s, which is all that a dry run has")
    return scores + [left] * (len(rows) - len(scores))


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(timeout=_QUEUE_S):
        raise TooManyRequests("Too many dry runs at once. Try again in a few seconds.", retry_after=5)
    try:
        yield
    finally:
        _slots.release()
