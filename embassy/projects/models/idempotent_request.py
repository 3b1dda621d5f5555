from typing import ClassVar

from django.db import models

from embassy.projects.models.organization import Organization


class IdempotentRequest(models.Model):
    """A request that came with an Idempotency-Key, and its answer once there is one.

    Until then it belongs to whoever holds the token; after `lease_until` another may take it over.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    api_key_pk = models.BigIntegerField(null=True)  # an answer is shown again only to the key that got it
    name = models.CharField(max_length=255)  # the header's value
    fingerprint = models.CharField(max_length=64)  # of method, address and body
    token = models.CharField(max_length=32)
    lease_until = models.DateTimeField()
    answer_status = models.PositiveSmallIntegerField(null=True)
    answer = models.TextField(blank=True)  # JSON
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "api_key_pk", "name"],
                nulls_distinct=False,
                name="idempotent_request_once",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return f"{self.name}: {self.answer_status or 'under way'}"
