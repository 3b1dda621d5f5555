from typing import ClassVar

from django.db import models

from embassy.projects.models import Organization


class StoredCompletion(models.Model):
    """A chat that its sender wanted to be kept: what was asked, and the answer as OpenAI writes it."""

    public_id = models.CharField(max_length=160, unique=True)  # the answer's own
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    model = models.CharField(max_length=200)  # as the request named it
    messages = models.JSONField()
    answer = models.JSONField()
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["organization", "id"]),
            models.Index(fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return self.public_id
