"""Write the audit trail. Call it inside the transaction of the act that it records."""

from typing import Any

from embassy.platform.actor import Actor
from embassy.projects.models import ApiKey, AuditEvent, Membership, User


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


def record_personal(verb: str, *, user: User) -> None:
    """What somebody does with their own account, in each organization that they belong to."""
    for member in Membership.objects.filter(user=user):
        actor = Actor(organization_id=member.organization_id, user_id=user.pk, user_public_id=user.public_id)
        record(verb, user.public_id, actor=actor, email=user.email)
