"""What was used, for those who pay for it."""

from datetime import datetime

from django.db.models import Q

from embassy.platform.actor import Actor


def rows_visible_to(actor: Actor, *, since: datetime, until: datetime, time: str = "hour") -> Q:
    """Of Usage and Latency, and with `time="day"` of UsageDay.

    Who is limited to projects sees those and no base models.
    """
    within = {f"{time}__gte": since, f"{time}__lt": until}
    visible = Q(organization_pk=actor.organization_id, **within)
    if actor.projects is not None:
        visible &= Q(project_pk__in=actor.projects)
    return visible
