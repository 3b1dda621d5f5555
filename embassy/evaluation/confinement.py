"""The sandbox as the settings want it."""

from django.conf import settings

from embassy.evaluation.sandbox.policy import Level, Limits, Policy
from embassy.evaluation.sandbox.strength import Strength, strength


def policy() -> Policy:
    wanted = settings.SANDBOX
    return Policy(
        wanted=None if wanted == "auto" else Level(wanted),
        allow_unconfined=settings.SANDBOX_UNSAFE,
        uid=settings.SANDBOX_UID,
    )


def limits() -> Limits:
    return Limits(seconds=settings.SANDBOX_SECONDS, memory_mb=settings.SANDBOX_MEMORY_MB)


def sandbox_strength() -> Strength:
    """How strongly user code is confined on this machine, and why not more."""
    return strength(policy())
