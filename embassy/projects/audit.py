"""Write the audit trail. Call it inside the transaction of the act that it records."""

from typing import Any

from embassy.platform.actor import Actor
from embassy.projects.models import ApiKey, AuditEvent


def record(verb: str, subject: str, *, actor: Actor, **data: Any) -> None:
    prefix = ""
    if actor.key_id is not None:
        prefix = ApiKey.objects.filter(pk=actor.key_id).values_list("prefix", flat=True).first() or ""
    AuditEvent.objects.create(
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        key_prefix=prefix,
        verb=verb,
        subject=subject,
        data=data,
    )
