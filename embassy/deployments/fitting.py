"""Which engines of an organization take what is to be deployed: what `services.create_deployment` checks."""

from django.db.models import Count, Q, QuerySet

from embassy.deployments.source import Source
from embassy.deployments.states import ENDED
from embassy.engines import keys, selectors
from embassy.engines.command import MAX_ADAPTERS
from embassy.engines.models import Engine
from embassy.platform.actor import Actor


def engines_for(actor: Actor, source: Source) -> "QuerySet[Engine, Engine]":
    """The actor's own engines with room for it, each with how many fine-tuned models it `holds`."""
    engines = selectors.engines_visible_to(actor)
    if source.merged:  # a whole model has an engine to itself
        return engines.none()
    held = ~Q(deployments__status__in=ENDED) & Q(deployments__checkpoint__gt=0)
    fitting = engines.filter(
        base_model=source.base_model, kind=keys.kind_of(source.task_type), rank__gte=source.rank
    ).annotate(holds=Count("deployments", filter=held))
    return fitting.filter(holds__lt=MAX_ADAPTERS) if source.needs_adapter else fitting
