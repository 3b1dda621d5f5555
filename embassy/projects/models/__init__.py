from embassy.projects.models.api_key import ApiKey
from embassy.projects.models.audit import AuditEvent
from embassy.projects.models.idempotent_request import IdempotentRequest
from embassy.projects.models.invitation import Invitation
from embassy.projects.models.organization import Membership, Organization, Role
from embassy.projects.models.project import Project
from embassy.projects.models.project_membership import ProjectMembership, ProjectRole
from embassy.projects.models.user import User

__all__ = [
    "ApiKey",
    "AuditEvent",
    "IdempotentRequest",
    "Invitation",
    "Membership",
    "Organization",
    "Project",
    "ProjectMembership",
    "ProjectRole",
    "Role",
    "User",
]
