"""Members with roles, in an organization and in a project, and keys of theirs."""

from embassy.projects import services
from embassy.projects.models import Organization, Project, ProjectMembership, User


def give_role(user: User, project: Project, role: str) -> ProjectMembership:
    return ProjectMembership.objects.create(user=user, project=project, role=role)


def key_of(user: User, organization: Organization, **options: object) -> str:
    """A plain key that may do everything its user may."""
    _, plain = services.create_api_key(organization=organization, user=user, name="theirs", **options)  # type: ignore[arg-type]
    return plain
