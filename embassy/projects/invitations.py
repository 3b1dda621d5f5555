"""Invitations: who has the link of one, and the e-mail address that it is for, may join once."""

import hashlib
import secrets
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, Forbidden, InvalidInput, NotFound
from embassy.projects import audit
from embassy.projects.members import check_authority, known_role
from embassy.projects.models import Invitation, Membership, Organization, User

LASTS = timedelta(days=7)
GONE = "This invitation is not valid: it was used, taken back or has expired. Ask for a new one."


@transaction.atomic
def invite(*, email: str, role: str, actor: Actor) -> tuple[Invitation, str]:
    """The row and the link's token, which is stored nowhere. An earlier invitation of the address is void.

    Raises InvalidInput, Forbidden, Conflict for a member.
    """
    email = checked_email(email)
    check_authority(actor, known_role(role))
    organization = Organization.objects.select_for_update().get(pk=actor.organization_id)
    if organization.memberships.filter(user__email=email).exists():
        raise Conflict(f"{email} belongs to the organization already.", code="already_a_member")
    _open(organization).filter(email=email).update(revoked_at=Now(), updated_at=Now())
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        organization=organization,
        email=email,
        role=role,
        digest=_digest(token),
        invited_by_id=actor.user_id,
        expires_at=timezone.now() + LASTS,
    )
    audit.record("invitation.created", invitation.public_id, actor=actor, email=email, role=role)
    return invitation, token


@transaction.atomic
def revoke(*, invitation: Invitation, actor: Actor) -> None:
    """Its link opens nothing any more. Raises Forbidden."""
    check_authority(actor, invitation.role)
    if Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None).update(
        revoked_at=Now(), updated_at=Now()
    ):
        audit.record("invitation.revoked", invitation.public_id, actor=actor, email=invitation.email)


@transaction.atomic
def accept(*, invitation: Invitation, user: User) -> Membership:
    """Raises NotFound if it is valid no more, Forbidden for somebody else's."""
    if user.email.lower() != invitation.email:
        raise Forbidden(f"This invitation is for {invitation.email}. Sign in as that one.", code="not_yours")
    if not _valid().filter(pk=invitation.pk).update(accepted_at=Now(), updated_at=Now()):
        raise NotFound(GONE)
    member, _ = Membership.objects.get_or_create(
        organization=invitation.organization, user=user, defaults={"role": invitation.role}
    )
    joined = Actor(organization_id=invitation.organization_id, user_id=user.pk, user_public_id=user.public_id)
    audit.record(
        "invitation.accepted", invitation.public_id, actor=joined, email=user.email, role=member.role
    )
    return member


def with_token(token: str) -> Invitation:
    """The valid invitation of this link; raises NotFound."""
    found = _valid().select_related("organization").filter(digest=_digest(token)).first()
    if found is None:
        raise NotFound(GONE)
    return found


def valid_for(email: str) -> "QuerySet[Invitation, Invitation]":
    """Those of an address that is known to be the asker's."""
    return _valid().select_related("organization").filter(email=email.lower()).order_by("id")


def open_in(actor: Actor) -> "QuerySet[Invitation, Invitation]":
    """Not used and not taken back, newest first; some may have expired."""
    rows = Invitation.objects.filter(organization_id=actor.organization_id, accepted_at=None, revoked_at=None)
    return rows.select_related("invited_by").order_by("-id")


def get(actor: Actor, public_id: str) -> Invitation:
    found = open_in(actor).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such invitation.")
    return found


def checked_email(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidInput("Enter an e-mail address, such as ada@example.com.") from None
    return email


def _valid() -> "QuerySet[Invitation, Invitation]":
    return Invitation.objects.filter(accepted_at=None, revoked_at=None, expires_at__gt=Now())


def _open(organization: Organization) -> "QuerySet[Invitation, Invitation]":
    return Invitation.objects.filter(organization=organization, accepted_at=None, revoked_at=None)


def _digest(token: str) -> str:
    # The token is 256 random bits: nothing slower than this is needed.
    return hashlib.sha256(token.encode()).hexdigest()
