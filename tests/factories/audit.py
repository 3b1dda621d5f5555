"""Events of the audit trail, as many as a test needs."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from embassy.platform.actor import Actor
from embassy.projects.models import AuditEvent


def make_events(actor: Actor, count: int, *, at: datetime | None = None, **columns: Any) -> list[AuditEvent]:
    """A second apart, the last one at `at`, which is now unless it is said."""
    last = at or timezone.now()
    values = {"user_id": actor.user_id, "verb": "dataset.created", "subject": "ds-1", "data": {}} | columns
    rows = AuditEvent.objects.bulk_create(
        AuditEvent(organization_id=actor.organization_id, **values) for _ in range(count)
    )
    for number, row in enumerate(rows):
        row.created_at = last - timedelta(seconds=count - 1 - number)
    AuditEvent.objects.bulk_update(rows, ["created_at"])
    return rows
