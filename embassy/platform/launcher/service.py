"""What the supervisor knows of one service."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from embassy.platform.launcher.accounts import Account

# Returns when the service does its work; raises NotReady, with a reason, until then.
Probe = Callable[[], Awaitable[None]]
# Signals to stop a service with, each with the seconds it gets before the next one; the last must be KILL.
StopSteps = tuple[tuple[signal.Signals, float], ...]

TERM_THEN_KILL: StopSteps = ((signal.SIGTERM, 8.0), (signal.SIGKILL, 2.0))


async def running_is_ready() -> None:
    """The probe of a service that is ready as soon as it runs."""


def nothing() -> None:
    """What a service without preparations does before it starts."""


@dataclass(frozen=True)
class Service:
    """One row of the service table."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    ready: Probe = running_is_ready
    before: Callable[[], None] = nothing
    account: Account | None = None
    # Starts when these are ready, and stops before them.
    needs: tuple[str, ...] = ()
    # Stops after these, which use it but do not wait for it.
    serves: tuple[str, ...] = ()
    stop: StopSteps = TERM_THEN_KILL
    # How long it may take to become ready; generous, because a small machine starts everything at once.
    start_seconds: float = 180.0
    # Runs once to its end, however long that takes; ready when it ended with exit code 0.
    oneshot: bool = False
    # The platform is ready without it: it starts when everything else is ready.
    lazy: bool = False
    # Without it the platform cannot go on: when it keeps failing everything stops.
    essential: bool = True
    # One that is not essential is tried again so long (seconds) after it was given up.
    rest_s: float = 60.0
    # Its whole output is shown, not only warnings and errors.
    shown: bool = False
    # Its surviving descendants belong to others, and outlive its crash.
    keeps_descendants: bool = False
