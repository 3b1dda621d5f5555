"""A function of a user, scored row by row, whatever it does."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from embassy.evaluation.sandbox.policy import Level, Limits, Policy
from embassy.evaluation.sandbox.strength import strength
from embassy.evaluation.sandbox.worker import Code, Died, StartError, Worker

# A process is replaced at this age, long before honest work can reach the limit on processor time.
MAX_AGE_S = 120.0
# Rows in a row that took the process down: after these the rest is not tried.
GIVE_UP_AFTER = 10


class SandboxUnavailable(Exception):
    """User code cannot be run here; the message says why and what to do."""


@dataclass(frozen=True)
class Outcome:
    """A value, or None with the reason. `seconds` is what the call took, `output` what it printed."""

    value: float | None
    reason: str = ""
    seconds: float = 0.0
    output: str = ""


class Sandbox:
    """Use as a context manager, in one thread: the process dies with the thread that started it."""

    def __init__(self, code: Code, *, limits: Limits, policy: Policy) -> None:
        """Raises SandboxUnavailable."""
        self._code, self._limits, self._policy = code, limits, policy
        self._level, self._bwrap = _level(policy)
        self._worker: Worker | None = None
        self._misfortunes = 0
        self._hopeless = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def call(self, row: tuple[str, str, str]) -> Outcome:
        """Score one row. Raises SandboxUnavailable if the sandbox no longer comes up, nothing else."""
        if self._hopeless:
            return Outcome(None, self._hopeless)
        began = time.monotonic()
        try:
            outcome = self._ask(row, began)
        except Died as death:
            self._note(death)
            return Outcome(None, str(death), time.monotonic() - began)
        self._misfortunes = self._misfortunes + 1 if outcome.reason.startswith("TimeLimit") else 0
        self._check_hope()
        return outcome

    def call_all(self, rows: Sequence[tuple[str, str, str]]) -> list[Outcome]:
        return [self.call(row) for row in rows]

    def _ask(self, row: tuple[str, str, str], began: float) -> Outcome:
        worker = self._running()
        if worker.load_error:
            self._hopeless = f"the function cannot be loaded: {worker.load_error}"
            return Outcome(None, self._hopeless, output=worker.load_output)
        began = time.monotonic()
        answer = worker.ask(row)
        if answer.spent:
            self.close()
        return Outcome(answer.value, answer.error, time.monotonic() - began, answer.output)

    def _running(self) -> Worker:
        if self._worker is not None and not self._is_fit(self._worker):
            self.close()
        if self._worker is None:
            self._worker = self._started()
        return self._worker

    def _is_fit(self, worker: Worker) -> bool:
        return worker.is_quiet() and time.monotonic() - worker.born < MAX_AGE_S

    def _started(self) -> Worker:
        try:
            return Worker(
                self._code, level=self._level, limits=self._limits, uid=self._policy.uid, bwrap=self._bwrap
            )
        except StartError as error:
            raise SandboxUnavailable(f"The sandbox for test functions does not start: {error}.") from None
        except Died as death:
            self._hopeless = f"the function cannot be loaded: {death}"
            raise Died(self._hopeless) from None

    def _note(self, death: Died) -> None:
        self.close()
        self._misfortunes += 1
        self._check_hope()

    def _check_hope(self) -> None:
        if self._misfortunes >= GIVE_UP_AFTER and not self._hopeless:
            self._hopeless = f"not tried: the {GIVE_UP_AFTER} rows before took too long or ended the process"


def _level(policy: Policy) -> tuple[Level, str | None]:
    found = strength(policy)
    if not found.runs_code and not policy.allow_unconfined:
        raise SandboxUnavailable(
            f"Test functions of your own cannot be run here. {found.reason}"
            " An administrator can install bubblewrap, or set EMBASSY_SANDBOX_UNSAFE=1 and trust every user."
        )
    return found.level, found.bwrap
