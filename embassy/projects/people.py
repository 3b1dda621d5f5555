"""Reads of who belongs to an organization, and who may do what in a project."""

from dataclasses import dataclass

from django.db.models import QuerySet

from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound
from embassy.projects import roles
from embassy.projects.models import Membership, Project, ProjectMembership


@dataclass(frozen=True)
class Person:
    """A member as seen from a project. `own` is the role given there, `role` the one that holds."""

    member: Membership
    own: str | None

    @property
    def is_fixed(self) -> bool:
        """Owners and admins of the organization keep their role."""
        return self.member.role in roles.ADMINS

    @property
    def role(self) -> str:
        return self.member.role if self.is_fixed or self.own is None else self.own


def members_of(actor: Actor) -> "QuerySet[Membership, Membership]":
    rows = Membership.objects.filter(organization_id=actor.organization_id)
    return rows.select_related("user").order_by("user__email")


def get_member(actor: Actor, user_id: str) -> Membership:
    """Of the actor's organization; raises NotFound."""
    found = members_of(actor).filter(user__public_id=user_id).first()
    if found is None:
        raise NotFound("There is no such person in your organization.")
    return found


def seen_from(project: Project, members: list[Membership]) -> list[Person]:
    """The same members with their roles in the project."""
    rows = ProjectMembership.objects.filter(project=project, user__in=[member.user_id for member in members])
    own = dict(rows.values_list("user_id", "role"))
    return [Person(member, own.get(member.user_id)) for member in members]


def may_reset_password(*, member: Membership, by: Membership) -> bool:
    """Only of those whose account opens nothing else than what the one who resets it decides about."""
    user = member.user
    if by.role not in roles.ADMINS or not user.is_active or user == by.user:
        return False
    if (user.is_superuser or user.is_staff) and not by.user.is_superuser:
        return False
    if member.role in roles.ADMINS and by.role != "owner":
        return False
    return by.user.is_superuser or user.memberships.count() == 1
