from typing import ClassVar

from django.conf import settings
from django.db import models

from embassy.projects.models.organization import Organization


class AuditEvent(models.Model):
    """Who did what to which object. Written in the transaction of the act, never changed."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="audit_events")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    key_prefix = models.CharField(max_length=16, blank=True)
    verb = models.CharField(max_length=64)  # "dataset.created"
    subject = models.CharField(max_length=64)  # public id
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        # One for each question that the log answers, in the order in which it is shown.
        indexes: ClassVar = [
            models.Index(fields=["organization", "-created_at", "-id"], name="audit_by_time"),
            models.Index(fields=["organization", "user", "-created_at", "-id"], name="audit_by_user"),
            models.Index(fields=["organization", "verb", "-created_at", "-id"], name="audit_by_verb"),
            models.Index(fields=["organization", "subject", "-created_at", "-id"], name="audit_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"
