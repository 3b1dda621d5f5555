from typing import ClassVar

from django.conf import settings
from django.db import models

from embassy.platform.ids import id_factory
from embassy.platform.models import Timestamped
from embassy.platform.words import words_index
from embassy.projects.models.organization import Organization


class Project(Timestamped):
    """A workspace for data sets, training jobs and deployments.

    A deleted project disappears from every answer at once (`deleted_at`); what it holds is stopped and
    removed in the background, and the row goes last.
    """

    public_id = models.CharField(max_length=40, unique=True, default=id_factory("ms-"), editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=120)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [words_index("project_words")]

    def __str__(self) -> str:
        return self.name
