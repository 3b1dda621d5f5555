"""Who is told what, after the commit, when an engine's row has changed."""

from django.db.models import Q
from django.db.models.functions import Now

from embassy.engines.models import Engine
from embassy.platform import notify
from embassy.platform.enqueue import enqueue


def changed(engine: Engine) -> None:
    """Tell the gateway and the deployments to look at the engine again, after the commit."""
    notify.nudge(notify.ROUTES)
    enqueue("engines.changed", engine.pk)


def due() -> Q:
    """Engines whose back-off, if any, is over."""
    return Q(retry_at=None) | Q(retry_at__lte=Now())
