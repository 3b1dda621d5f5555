"""Console session → actor: who is signed in, in which organization, and what the role there allows."""

from dataclasses import dataclass, replace

from django.http import HttpRequest

from embassy.platform.actor import Actor
from embassy.projects import roles
from embassy.projects.models import Membership, Organization, Project, User

CHOICE = "organization"  # key of the session
EVERYTHING = frozenset({"*"})


@dataclass(frozen=True)
class Visitor:
    """A signed-in user in one of their organizations; `memberships` are all of theirs, this one included."""

    user: User
    membership: Membership
    memberships: tuple[Membership, ...]
    actor: Actor

    @property
    def organization(self) -> Organization:
        return self.membership.organization

    @property
    def can_write(self) -> bool:
        """In the project that is looked at, where there is one."""
        return self.actor.rights.writes

    @property
    def is_admin(self) -> bool:
        return self.membership.role in roles.ADMINS

    def within(self, project: Project) -> "Visitor":
        """The same one inside a project, where the role may be another."""
        return replace(self, actor=self.actor.within(project.pk))


def visitor_of(request: HttpRequest) -> Visitor | None:
    """None for a user without any organization. The request must be signed in."""
    user = request.user
    assert isinstance(user, User)
    memberships = tuple(user.memberships.select_related("organization").order_by("id"))
    if not memberships:
        return None
    chosen = request.session.get(CHOICE)
    membership = next((m for m in memberships if m.organization.public_id == chosen), memberships[0])
    return Visitor(user, membership, memberships, _actor(user, membership))


def _actor(user: User, membership: Membership) -> Actor:
    return Actor(
        organization_id=membership.organization_id,
        user_id=user.pk,
        user_public_id=user.public_id,
        scopes=EVERYTHING,
        rights=roles.rights_with(
            membership.role, organization_id=membership.organization_id, user_id=user.pk
        ),
    )
