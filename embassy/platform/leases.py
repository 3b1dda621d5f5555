"""Ownership of long work: a token fences the owner, an expiry that a heartbeat renews tells the dead.

All times are the database's, so that hosts with wrong clocks agree. See docs/lifecycles.md.
"""

import os
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import F, Model, QuerySet
from django.db.models.functions import Now

from embassy.platform.models import Leased

Row = TypeVar("Row", bound=Leased)


def owner_name() -> str:
    return f"{settings.HOST_NAME}:{os.getpid()}"


def lease_length() -> timedelta:
    return timedelta(seconds=settings.LEASE_SECONDS)


def claim_changes() -> dict[str, Any]:
    """Columns to set, with the status, by the transition that claims a row."""
    return {
        "lease_owner": owner_name(),
        "lease_token": F("lease_token") + 1,
        "lease_until": Now() + lease_length(),
        "attempts": F("attempts") + 1,
    }


def release_changes() -> dict[str, Any]:
    """Columns to set by the transition that gives a row back. The new token fences the old owner."""
    return {"lease_owner": "", "lease_token": F("lease_token") + 1, "lease_until": None}


def renew(row: Leased, *, token: int) -> bool:
    """False: the lease is somebody else's now; stop at once and write nothing."""
    manager = type(row)._default_manager
    return manager.filter(pk=row.pk, lease_token=token).update(lease_until=Now() + lease_length()) == 1


def holds(row: Leased, *, token: int) -> bool:
    return type(row)._default_manager.filter(pk=row.pk, lease_token=token).exists()


def expired(rows: "QuerySet[Row, Row]") -> "QuerySet[Row, Row]":
    return rows.filter(lease_until__lt=Now())


def owned_by_dead_process(rows: "QuerySet[Row, Row]") -> list[Row]:
    """Leases of processes of this host that no longer exist: no need to wait for their expiry.

    Two hosts must not have one name, or each takes the other's living processes for dead: EMBASSY_HOST_NAME.
    """
    held = rows.filter(lease_owner__startswith=f"{settings.HOST_NAME}:")
    return [row for row in held if not _alive(row.lease_owner)]


def _alive(owner: str) -> bool:
    _, _, pid = owner.rpartition(":")
    return pid.isdigit() and os.path.exists(f"/proc/{pid}")


def unpublished(rows: "QuerySet[Row, Row]", *, seconds: float | None = None) -> "QuerySet[Row, Row]":
    """Rows whose wake-up may be lost: never sent, or sent so long ago that a worker would have come.

    `seconds` is how long that is, if not REPUBLISH_SECONDS.
    """
    cutoff = Now() - timedelta(seconds=settings.REPUBLISH_SECONDS if seconds is None else seconds)
    return rows.exclude(published_at__gt=cutoff)


def mark_published(row: Model) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(published_at=Now())
