from typing import ClassVar

from django.conf import settings
from django.db import models

from embassy.platform.models import Timestamped
from embassy.projects.models.project import Project


class ProjectRole(models.TextChoices):
    ADMIN = "admin"  # decides who may do what in the project
    MEMBER = "member"
    VIEWER = "viewer"


class ProjectMembership(Timestamped):
    """The role of a member in one project, in place of the one in the organization.

    Owners and admins of the organization keep theirs: a row of such a user has no effect.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="project_memberships"
    )
    role = models.CharField(max_length=16, choices=ProjectRole.choices)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "user"], name="project_membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=ProjectRole.values), name="project_membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}"
