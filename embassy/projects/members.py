"""Writes on who belongs to an organization, and what their roles are: there and in single projects."""

from django.db import transaction
from django.db.models.functions import Now

from embassy.platform import notify
from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, Forbidden, InvalidInput
from embassy.projects import audit, roles
from embassy.projects.models import (
    ApiKey,
    Invitation,
    Membership,
    Organization,
    Project,
    ProjectMembership,
    ProjectRole,
    Role,
    User,
)
from embassy.projects.services import revoke_api_key


@transaction.atomic
def change_role(*, member: Membership, role: str, actor: Actor) -> None:
    """Raises Forbidden, Conflict for the last owner."""
    known_role(role)
    member = locked(member)
    check_authority(actor, member.role, role)
    if role != Role.OWNER:
        _check_another_owner(member)
    before, member.role = member.role, role
    member.save(update_fields=["role", "updated_at"])
    audit.record("member.role_changed", member.user.public_id, actor=actor, before=before, role=role)
    notify.nudge(notify.ROUTES)


@transaction.atomic
def remove_member(*, member: Membership, actor: Actor) -> None:
    """Their keys are revoked and what they invited others with is void. Raises Forbidden, Conflict."""
    member = locked(member)
    check_authority(actor, member.role)
    _take_away(member, actor, "member.removed")


@transaction.atomic
def leave(*, member: Membership, actor: Actor) -> None:
    """The same by the member's own wish, whatever the role. Raises Conflict for the last owner."""
    assert member.user_id == actor.user_id
    _take_away(locked(member), actor, "member.left")


@transaction.atomic
def set_project_role(*, project: Project, user: User, role: str | None, actor: Actor) -> None:
    """None: the role in the organization holds again. Raises Forbidden, InvalidInput."""
    check_manages(project, actor)
    if role is not None and role not in ProjectRole.values:
        raise InvalidInput("Choose one of the roles: admin, member or viewer.")
    member = Membership.objects.filter(organization_id=project.organization_id, user=user).first()
    if member is None or member.role in roles.ADMINS:
        raise InvalidInput("Owners and admins of the organization keep their role in every project.")
    rows = ProjectMembership.objects.filter(project=project, user=user)
    if role is None:
        rows.delete()
    else:
        ProjectMembership.objects.update_or_create(project=project, user=user, defaults={"role": role})
    audit.record(
        "project.role_changed",
        project.public_id,
        actor=actor,
        user=user.public_id,
        email=user.email,
        role=role,
    )
    notify.nudge(notify.ROUTES)


def check_authority(actor: Actor, *concerned: str) -> None:
    """Owners decide about everybody, admins about all but owners; `concerned` are the roles at stake.

    Raises Forbidden.
    """
    own = _role(actor)
    if own not in roles.ADMINS:
        raise Forbidden("Owners and admins decide who belongs to the organization.", code="role_too_low")
    if own != Role.OWNER and Role.OWNER in concerned:
        raise Forbidden("Only owners decide who is an owner.", code="role_too_low")


def check_manages(project: Project, actor: Actor) -> None:
    """Raises Forbidden unless the actor decides who may do what in the project."""
    if not roles.manages(role=_role(actor) or "", project=project, user_id=actor.user_id):
        raise Forbidden("Owners and admins decide who may do what in a project.", code="role_too_low")


def known_role(role: str) -> str:
    if role not in Role.values:
        raise InvalidInput("Choose one of the roles: owner, admin, member or viewer.")
    return role


def locked(member: Membership) -> Membership:
    """Fresh, and nobody else changes the roles of this organization before the transaction ends."""
    Organization.objects.select_for_update().get(pk=member.organization_id)
    found = Membership.objects.select_related("user").filter(pk=member.pk).first()
    if found is None:
        raise Conflict("This person does not belong to the organization any more.", code="not_a_member")
    return found


def _role(actor: Actor) -> str | None:
    # The row, not what the session or key was made from a while ago.
    rows = Membership.objects.filter(organization_id=actor.organization_id, user_id=actor.user_id)
    return rows.values_list("role", flat=True).first()


def _take_away(member: Membership, actor: Actor, verb: str) -> None:
    _check_another_owner(member)
    whose = {"organization_id": member.organization_id}
    for key in ApiKey.objects.filter(**whose, user_id=member.user_id, revoked_at=None):
        revoke_api_key(key=key, actor=actor)
    open_ones = Invitation.objects.filter(**whose, invited_by_id=member.user_id, accepted_at=None)
    open_ones.filter(revoked_at=None).update(revoked_at=Now(), updated_at=Now())
    ProjectMembership.objects.filter(
        project__organization_id=member.organization_id, user_id=member.user_id
    ).delete()
    member.delete()
    audit.record(verb, member.user.public_id, actor=actor, email=member.user.email, role=member.role)
    notify.nudge(notify.ROUTES)


def _check_another_owner(member: Membership) -> None:
    others = Membership.objects.filter(organization_id=member.organization_id, role=Role.OWNER)
    if member.role == Role.OWNER and not others.exclude(pk=member.pk).exists():
        raise Conflict("This is the last owner. Make somebody else an owner first.", code="last_owner")
