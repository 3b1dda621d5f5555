"""What the roles of people allow. A role in a project takes the place of the one in the organization."""

from embassy.platform.actor import Actor, Rights
from embassy.platform.errors import Forbidden
from embassy.projects.models import Membership, Project, ProjectMembership, ProjectRole, Role

NOTHING = Rights(writes=False)
ADMINS = (Role.OWNER, Role.ADMIN)


def rights_of(*, organization_id: int, user_id: int) -> Rights:
    """Those of a user in an organization; nothing for who is no member."""
    role = Membership.objects.filter(organization_id=organization_id, user_id=user_id).values_list(
        "role", flat=True
    )
    return rights_with(role.first(), organization_id=organization_id, user_id=user_id)


def rights_with(role: str | None, *, organization_id: int, user_id: int) -> Rights:
    """The same where the role in the organization is known."""
    if role is None:
        return NOTHING
    if role in ADMINS:
        return Rights()
    writes = role == Role.MEMBER
    others = ProjectMembership.objects.filter(project__organization_id=organization_id, user_id=user_id)
    others = others.filter(role=ProjectRole.VIEWER) if writes else others.exclude(role=ProjectRole.VIEWER)
    return Rights(writes, frozenset(others.values_list("project_id", flat=True)))


def manages(*, role: str, project: Project, user_id: int) -> bool:
    """Whether somebody with this role in the organization decides about the people of a project."""
    own = ProjectMembership.objects.filter(project=project, user_id=user_id, role=ProjectRole.ADMIN)
    return role in ADMINS or own.exists()


def check_role(actor: Actor, project: int | None) -> None:
    """Raises Forbidden where the user's role in the project (its row) allows to look only."""
    if not actor.rights.writes_in(project):
        raise may_only_look()


def may_only_look() -> Forbidden:
    return Forbidden(
        "Your role allows you to look here, but not to change or run anything."
        " Ask an owner or admin for another one.",
        code="role_too_low",
    )
