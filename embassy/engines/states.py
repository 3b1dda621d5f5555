"""Observed states of an engine. What it is meant to be is another column, `wanted`."""

from django.db import models

from embassy.platform.states import StateMachine


class EngineStatus(models.TextChoices):
    CREATING = "Creating"  # wanted, and not serving yet: waiting for a worker, starting, or starting again
    ACTIVE = "Active"
    INACTIVE = "Inactive"


class Wanted(models.TextChoices):
    ACTIVE = "active"
    INACTIVE = "inactive"


ENGINE = StateMachine(
    {
        # Creating → Creating: a claim, or an attempt that failed and will be repeated.
        EngineStatus.CREATING: frozenset({EngineStatus.CREATING, EngineStatus.ACTIVE, EngineStatus.INACTIVE}),
        EngineStatus.ACTIVE: frozenset({EngineStatus.CREATING, EngineStatus.INACTIVE}),
        EngineStatus.INACTIVE: frozenset({EngineStatus.CREATING}),
    }
)
