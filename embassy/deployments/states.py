"""A deployment's life. Who deletes it ends it, in one of two ways; the rest can come back."""

from django.db import models

from embassy.platform.states import StateMachine


class DeploymentStatus(models.TextChoices):
    PENDING = "Pending"  # nothing has begun yet: no engine worker is at it
    DEPLOYING = "Deploying"
    DEPLOYED = "Deployed"
    DEACTIVATED = "Deactivated"  # asleep; the next request wakes it
    REACTIVATING = "Reactivating"
    FAILED = "Failed"
    CANCELLED = "Cancelled"  # deleted before it was ever Deployed
    TIMED_OUT = "TimedOut"
    TERMINATED = "Terminated"  # deleted later


S = DeploymentStatus

# Any of these is on its way to Deployed, or there.
LIVE = frozenset({S.PENDING, S.DEPLOYING, S.DEPLOYED, S.REACTIVATING})

# Deleted: nobody sees it any more, and its name is free.
ENDED = frozenset({S.CANCELLED, S.TERMINATED})

DEPLOYMENT = StateMachine(
    {
        S.PENDING: frozenset({S.DEPLOYING, S.DEPLOYED, S.FAILED, S.TIMED_OUT, S.DEACTIVATED, S.CANCELLED}),
        S.DEPLOYING: frozenset({S.DEPLOYED, S.FAILED, S.TIMED_OUT, S.DEACTIVATED, S.CANCELLED}),
        S.DEPLOYED: frozenset({S.DEACTIVATED, S.REACTIVATING, S.FAILED, S.TERMINATED}),
        S.DEACTIVATED: frozenset({S.REACTIVATING, S.TERMINATED}),
        S.REACTIVATING: frozenset({S.DEPLOYED, S.FAILED, S.TIMED_OUT, S.DEACTIVATED, S.TERMINATED}),
        S.FAILED: frozenset({S.REACTIVATING, S.TERMINATED}),
        S.TIMED_OUT: frozenset({S.REACTIVATING, S.TERMINATED}),
        S.CANCELLED: frozenset(),
        S.TERMINATED: frozenset(),
    }
)
