"""One answered request of a deployment that keeps its inputs and outputs."""

from typing import Any, ClassVar

from django.db import models

from embassy.deployments.models import Deployment
from embassy.platform.ids import id_factory


class RequestLog(models.Model):
    public_id = models.CharField(max_length=40, unique=True, default=id_factory("log-"), editable=False)
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="logs")
    key_pk = models.BigIntegerField(null=True)
    request_id = models.CharField(max_length=128)  # what X-Request-Id said
    endpoint = models.CharField(max_length=32)  # chat.completions, completions, classification …
    status = models.PositiveSmallIntegerField()  # of the answer; of a broken stream, of the error that ended it
    request: Any = models.JSONField()  # the body, without what names the caller
    response: Any = models.JSONField(null=True)
    is_truncated = models.BooleanField(default=False)  # the request or the response was too large to keep
    input = models.TextField(blank=True)  # the beginning of what was asked
    output = models.TextField(blank=True)  # and of what was answered
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    milliseconds = models.FloatField()
    first_token_milliseconds = models.FloatField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["deployment", "-id"]),
            models.Index(fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} of {self.deployment_id}"
