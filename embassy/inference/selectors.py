"""What was used, for those who pay for it."""

from datetime import datetime

from django.db.models import Q

from embassy.platform.actor import Actor


def rows_visible_to(actor: Actor, *, since: datetime, until: datetime) -> Q:
    """Of Usage and Latency. A key that is limited to projects sees those and no base models."""
    visible = Q(organization_pk=actor.organization_id, hour__gte=since, hour__lt=until)
    if actor.projects is not None:
        visible &= Q(project_pk__in=actor.projects)
    return visible
