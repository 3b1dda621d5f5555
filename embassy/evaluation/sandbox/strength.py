"""How strongly this machine can confine the code of users, found out by trying."""

import shutil
import threading
import time
from dataclasses import dataclass

from embassy.evaluation.sandbox.policy import Level, Limits, Policy
from embassy.evaluation.sandbox.worker import StartError, Worker

# A weaker answer is doubted after a while: bubblewrap may have been installed, the machine was too busy.
_DOUBT_AFTER_S = 60.0

_KERNEL_HINT = (
    " (the kernel or the container forbids user namespaces: check kernel.unprivileged_userns_clone,"
    " kernel.apparmor_restrict_unprivileged_userns, user.max_user_namespaces,"
    " or the container's seccomp profile)"
)


@dataclass(frozen=True)
class Strength:
    """`reason` says in full sentences what holds, and why not more."""

    level: Level
    reason: str
    bwrap: str | None = None

    @property
    def runs_code(self) -> bool:
        return self.level is not Level.NONE


_known: dict[Policy, tuple[float, Strength]] = {}
_lock = threading.Lock()


def strength(policy: Policy) -> Strength:
    """The level that sandboxes under this policy have here. The first call starts a process or two."""
    with _lock:
        tried, known = _known.get(policy, (0.0, None))
        if known is None or (known.level is not Level.STRONG and time.monotonic() - tried > _DOUBT_AFTER_S):
            known = _find(policy)
            _known[policy] = (time.monotonic(), known)
        return known


def forget() -> None:
    """Try again at the next question."""
    with _lock:
        _known.clear()


def _find(policy: Policy) -> Strength:
    bwrap = shutil.which("bwrap")
    why_not_strong = "It was not tried." if policy.wanted is Level.BASIC else _why_not_strong(bwrap, policy)
    if not why_not_strong:
        return Strength(
            Level.STRONG,
            "Test functions run in namespaces of their own (bubblewrap), with Landlock and a seccomp filter.",
            bwrap,
        )
    if policy.wanted is Level.STRONG:
        return Strength(Level.NONE, f"{why_not_strong} Nothing weaker is allowed (EMBASSY_SANDBOX=strong).")
    why_not_basic = _try(Level.BASIC, policy, None)
    if not why_not_basic:
        return Strength(
            Level.BASIC, f"{why_not_strong} Test functions run behind Landlock and a seccomp filter."
        )
    return Strength(
        Level.NONE, f"{why_not_strong} Landlock and seccomp cannot be had either: {why_not_basic}."
    )


def _why_not_strong(bwrap: str | None, policy: Policy) -> str:
    if bwrap is None:
        return "bubblewrap is not installed (the Debian package bubblewrap)."
    problem = _try(Level.STRONG, policy, bwrap)
    hint = _KERNEL_HINT if problem.startswith("bwrap:") else ""
    return f"bubblewrap cannot start: {problem}{hint}." if problem else ""


def _try(level: Level, policy: Policy, bwrap: str | None) -> str:
    """Start an empty sandbox; returns why it cannot be, or nothing."""
    try:
        Worker(None, level=level, limits=Limits(), uid=policy.uid, bwrap=bwrap).kill()
    except StartError as error:
        return str(error).rstrip(".")
    return ""
