"""What was used, for those who pay for it."""

from datetime import datetime

from django.db.models import QuerySet

from embassy.inference.models import Usage
from embassy.platform.actor import Actor


def usage_visible_to(actor: Actor, *, since: datetime) -> "QuerySet[Usage, Usage]":
    """By hour, oldest first. A key that is limited to projects sees those and no base models."""
    rows = Usage.objects.filter(organization_pk=actor.organization_id, hour__gte=since)
    if actor.projects is not None:
        rows = rows.filter(project_pk__in=actor.projects)
    return rows.order_by("hour", "id")
